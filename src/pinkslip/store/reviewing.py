"""Reviews: a later score for an outcome. The newest one holds; what the outcome came to never changes."""

from sqlalchemy import insert, select

from pinkslip.fleet.admission import event_key
from pinkslip.model.errors import Invalid, NotFound
from pinkslip.model.facts import Reviewed
from pinkslip.model.words import Source, code_of
from pinkslip.store.readers import reviews_of
from pinkslip.store.tables import outcomes, reviews
from pinkslip.store.transaction import Transaction
from pinkslip.store.views import StoredReview


def review(
    tx: Transaction,
    *,
    workspace_id: int,
    event_id: str,
    score: float,
    comment: str,
    actor: str,
    source: Source = Source.PERSON,
) -> StoredReview:
    """Give an outcome another score, from 0 to 1. NotFound when there is no such outcome.

    What a fired agent sent counts nowhere, and neither does its review: it is kept all the same.
    """
    if not 0 <= score <= 1:
        raise Invalid("score: from 0 to 1")
    key = event_key(event_id)
    outcome = tx.connection.execute(
        select(
            outcomes.c.writer,
            outcomes.c.seq,
            outcomes.c.at,
            outcomes.c.agent_no,
            outcomes.c.counted,
            outcomes.c.score_e6,
        ).where(outcomes.c.workspace_id == workspace_id, outcomes.c.event_id == key)
    ).one_or_none()
    if outcome is None:
        raise NotFound(f"there is no outcome {event_id!r}")
    former = reviews_of(tx.connection, workspace_id, key, limit=1)
    fact = Reviewed(
        agent_no=outcome.agent_no,
        at=tx.now,
        seq=tx.allot(),
        event_id=key,
        outcome_writer=outcome.writer,
        outcome_seq=outcome.seq,
        outcome_at=outcome.at,
        score_e6=round(score * 1_000_000),
        before_e6=former[0].score_e6 if former else outcome.score_e6,
    )
    row = {
        "workspace_id": workspace_id,
        "writer": tx.writer,
        "seq": fact.seq,
        "event_id": key,
        "agent_no": fact.agent_no,
        "at": fact.at,
        "outcome_writer": fact.outcome_writer,
        "outcome_seq": fact.outcome_seq,
        "outcome_at": fact.outcome_at,
        "counted": outcome.counted,
        "score_e6": fact.score_e6,
        "before_e6": fact.before_e6,
        "comment": comment,
        "source": code_of(source),
        "who": actor,
    }
    tx.connection.execute(insert(reviews), row)
    if outcome.counted:
        tx.emit_review(workspace_id, fact)
    return reviews_of(tx.connection, workspace_id, key, limit=1)[0]
