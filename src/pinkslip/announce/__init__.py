"""Telling people: what stands now, as alerts to Alertmanager and as calls to a webhook."""
