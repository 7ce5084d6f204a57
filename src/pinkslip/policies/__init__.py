"""YAML to policies: text is guarded, read to nodes, checked against the schema and compiled to `model.policy`.

Nothing here trusts what it reads, and nothing raises for it: every problem becomes a `Problem` with its place.
"""
