"""One command, one module, named alike; `command` is what `main` looks for.

serve, demo, db, doctor, assets, policy check and explain --database open files; all others speak HTTP.
"""
