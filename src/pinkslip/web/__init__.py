"""HTTP: ingest, API, exposition and the landing page over one port (`backend.Backend`).

Validates, answers and explains; decides nothing, stores nothing, never reads a clock.
"""
