"""The files for Prometheus and Grafana."""
