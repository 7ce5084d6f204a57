"""What our dashboards share: their names, variables, and the moments drawn over every panel."""

from grafana.queries import FLEET
from grafana.schema import Annotation, Color, DatasourceVariable, LabelVariable, Link

from pinkslip.metrics import catalogue

FLEET_UID = "pinkslip-fleet"
AGENT_UID = "pinkslip-agent"
POLICIES_UID = "pinkslip-policies"
ITSELF_UID = "pinkslip-itself"

SERVICE = Link(title="Live list and API", url="http://127.0.0.1:8740/", new_tab=True)

CARRY = "${datasource:queryparam}&${job:queryparam}&${__url_time_range}"
"""What a link to another of our dashboards takes along."""

DATASOURCE = DatasourceVariable()
JOB = LabelVariable(name="job", title="Job", label="job", series="pinkslip_build_info")
INSTANCE = LabelVariable(
    name="instance",
    title="Instance",
    label="instance",
    series='pinkslip_build_info{job=~"$job"}',
)
WORKSPACE = LabelVariable(
    name="workspace",
    title="Workspace",
    label="workspace",
    series='pinkslip_observing_since_timestamp_seconds{job=~"$job"}',
)
ROLE = LabelVariable(
    name="role",
    title="Role",
    label="role",
    series='pinkslip_agents{job=~"$job", workspace=~"$workspace"}',
    all_value=".*",  # an agent may have given no role
)
AGENT = LabelVariable(
    name="agent",
    title="Agent",
    label="agent",
    series='pinkslip_agent_info{job=~"$job", workspace=~"$workspace", role=~"$role"}',
    multiple=False,
)

FIRED = Annotation(
    name="Fired",
    expr=(
        "sum by (workspace, role, policy, reason) "
        f"(increase({catalogue.FIRES.name}{{{FLEET}}}[$__rate_interval])) > 0"
    ),
    title="Fired: {{reason}}",
    text="policy {{policy}}, role {{role}}, workspace {{workspace}}",
    color=Color.BAD,
    tags=("reason", "policy", "role"),
)
PANICKED = Annotation(
    name="Panic",
    expr=f"max by (workspace, role) ({catalogue.PANIC.name}{{{FLEET}}}) == 1",
    title="Panic",
    text="firing for silence is held: role {{role}}, workspace {{workspace}}",
    color=Color.WARN,
    tags=("role",),
)
STOPPED = Annotation(
    name="Enforcement stopped",
    expr=(
        "max by (workspace) "
        f'({catalogue.ENFORCEMENT_ENABLED.name}{{job=~"$job", workspace=~"$workspace"}}) == 0'
    ),
    title="Enforcement stopped",
    text="workspace {{workspace}}",
    color=Color.QUIET,
)
