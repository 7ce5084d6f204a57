"""How the schema came to be: one script per step, run by `maintenance.upgrade` and by nobody else."""
