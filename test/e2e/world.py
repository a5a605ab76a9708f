"""A bridge with the robot it serves, in a ROS domain of their own, and those who connect to it."""

from client import Client, token
from monitor import Monitor
from programs import Bridge
from waiting import eventually

# Speeds come up within two ticks, so that tests of directions and limits need not wait for ramps.
BRISK = {"linear_acceleration": 5.0, "angular_acceleration": 10.0}
SCAN_TIMEOUT = 0.5  # [s] as shipped
UNLIMITED = {"bad_tokens_per_minute": 0}  # everybody here comes from the same address
LIMITS = {"max_linear_speed": 1.0, "max_angular_speed": 1.0}


class World:
    """Starts everything; `make_peer` makes the rest of the robot, or None where the bridge stands alone."""

    def __init__(self, directory, parameters=None, ros_arguments=(), make_peer=lambda: None):
        self.directory, self.ros_arguments = directory, ros_arguments
        self.parameters = {**UNLIMITED, **(parameters or {})}
        self.clients = []
        self.robot = self.monitor = self.bridge = self.observer = None
        try:
            self.robot = make_peer()
            self.start_bridge()
            if self.robot:
                limits = {**LIMITS, **{key: self.parameters[key] for key in LIMITS if key in self.parameters}}
                scan_timeout = self.parameters.get("scan_timeout", SCAN_TIMEOUT)
                self.monitor = Monitor(self.robot, self.observer, *limits.values(), scan_timeout)
        except BaseException:
            self.close()
            raise

    def start_bridge(self):
        """A bridge, again or for the first time, ready to drive the robot."""
        self.bridge = Bridge(self.directory, self.parameters, self.ros_arguments)
        if not self.robot:
            return
        self.observe()
        self.wait_ready()

    def observe(self):
        """Somebody looks on, again or for the first time."""
        self.observer = Client(self.bridge.url, token(900, "observer", role="viewer"))
        self.observer.subscribe("robot_status")
        if self.monitor:
            self.monitor.watch(self.observer)

    def wait_ready(self):
        """Until both sides have found each other, as far as motion needs it."""
        muted = getattr(self.robot, "muted", ())
        self.observer.expect("robot_status_update", where=lambda message: (
            ("scan" in muted or message["data"]["lidar"]["state"] == "scanning")
            and ("odom" in muted or message["data"]["sources"]["odom"] is not None)))
        self.robot.wait(lambda: self.robot.scans or "scan" in muted, "a scan")
        if self.robot.listener:
            known = len(self.robot.commands)

            def stopped():
                self.observer.order("stop")
                return self.robot.signal.wait_for(lambda: len(self.robot.commands) > known, 0.1)
            eventually(stopped, "a zero on cmd_vel")
            self.wait_steady()
        self.robot.wait(lambda: self.robot.latches, "a message on emergency_stop")

    def wait_steady(self):
        """Until the start, which is hard work for two cores, is no suspension to the bridge any more: then motions are refused."""
        operator = Client(self.bridge.url, token(902, "steady"))
        eventually(lambda: operator.order("move_forward", speed=0).get("code") != "aborted", "commands are taken", pause=0.05)
        operator.close()

    def connect(self, user_id=7, name="lan", **claims):
        """A client with a token like those that are documented: user_id, sub, exp."""
        return self.join(token(user_id, name, **claims))

    def join(self, with_token=None, **options):
        client = Client(self.bridge.url, with_token, **options)
        self.clients.append(client)
        return client

    def status(self, where=lambda data: True):
        """The first status from now on for which this holds."""
        return self.observer.data("robot_status_update", where)

    def leave(self, client):
        """A client whose connection is as good as gone; whoever comes next may drive."""
        client.vanish()
        client.wait_closed()
        self.clients.remove(client)
        self.observer.order("stop")

    def next_trial(self):
        """Judge what was heard, and forget it."""
        self.monitor.check()
        self.observer.take("robot_status_update")
        self.robot.forget()
        self.monitor.looked = 0

    def after_test(self):
        """Everybody leaves, the robot stands, and what was heard on `cmd_vel` is judged."""
        clients, self.clients = self.clients, []
        for client in clients:
            client.close()
        if self.observer and not self.observer.closed_at:
            self.observer.order("stop")
            self.release()
        if self.monitor:
            self.monitor.check()

    def release(self):
        """Leave no emergency stop to the next test."""
        with self.robot.signal:
            latched = self.robot.latches[-1][1]
        told = self.observer.take("robot_status_update")
        if latched or told and told[-1][1]["data"]["emergency_stop"]["active"]:
            operator = self.connect(901, "tidy")
            # The odometry may be on its way that says that the robot stands.
            eventually(lambda: operator.order("reset_emergency_stop", confirm=True)["success"], "a release", pause=0.1)
            operator.close()
            self.clients.remove(operator)
            self.robot.wait(lambda: not self.robot.latches[-1][1], "the release of the emergency stop")

    def close(self):
        try:
            if self.observer:
                self.observer.close()
            if self.bridge:
                self.bridge.end()
        finally:
            if self.robot:
                self.robot.close()

