"""What gunicorn reads by itself where it is started from this folder. The command line wins."""

# Each request is told in the product's own log. Where somebody wants gunicorn's as well (`--access-logfile -`), it has
# no query: that may hold whom somebody looks for.
access_log_format = '%(h)s "%(m)s %(U)s %(H)s" %(s)s %(B)s %(M)sms'


def post_worker_init(_worker: object) -> None:
    """Runs in each web process once the application is loaded."""
    from dashboard.warming import warm_up  # noqa: PLC0415 - the settings are not there before

    warm_up()
