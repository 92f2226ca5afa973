"""What gunicorn reads by itself where it is started from this folder. The command line wins."""

from gunicorn.glogging import Logger

# Each request is told in the product's own log. Where somebody wants gunicorn's as well (`--access-logfile -`), it has
# no query: that may hold whom somebody looks for.
access_log_format = '%(h)s "%(m)s %(U)s %(H)s" %(s)s %(B)s %(M)sms'


class MaskingLogger(Logger):
    """Gunicorn's, without what opens an account: a sign-up link, or the link to a new password, in an address."""

    def atoms(self, resp, req, environ, request_time):
        """As gunicorn's."""
        from dashboard.logs import mask_text  # noqa: PLC0415 - this folder is not among the packages before

        return super().atoms(resp, req, environ, request_time) | {"U": mask_text(environ["PATH_INFO"])}


logger_class = MaskingLogger


def post_worker_init(_worker: object) -> None:
    """Runs in each web process once the application is loaded."""
    from dashboard.warming import warm_up  # noqa: PLC0415 - the settings are not there before

    warm_up()
