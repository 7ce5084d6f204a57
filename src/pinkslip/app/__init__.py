"""Where all rooms meet: one process, from its clock to its address.

`replica` takes the lease, rebuilds the fleet and gives both back; `service` is what the web sees of it;
`observed` gathers what `/metrics` says; `clock` is the only clock.
"""
