"""The rest of the robot, played with rclpy: an independent peer that knows topics and types and nothing of our code."""

import copy
import math
import threading
import time
from dataclasses import dataclass
from functools import partial

import numpy as np
import rclpy
from geometry_msgs.msg import Twist, TwistStamped
from nav_msgs.msg import Odometry
from rclpy.context import Context
from rclpy.duration import Duration
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, HistoryPolicy, QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import BatteryState, LaserScan, Temperature
from std_msgs.msg import Bool
from std_srvs.srv import Empty, Trigger

from waiting import PATIENCE, Signal

RELIABLE = QoSProfile(depth=10)
BEST_EFFORT = QoSProfile(depth=5, reliability=ReliabilityPolicy.BEST_EFFORT)
EVERY_ONE = QoSProfile(history=HistoryPolicy.KEEP_ALL)  # the watcher of velocities must not miss any
LATCHED = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
RATES = {"scan": 20.0, "odom": 25.0, "battery_state": 5.0, "temperature": 5.0}  # [Hz]
# As in config/bridge.yaml: x, y of each vertex, m.
FOOTPRINT = [0.35, 0.145, 0.145, 0.35, -0.145, 0.35, -0.35, 0.145, -0.35, -0.145, -0.145, -0.35, 0.145, -0.35, 0.35, -0.145]
SERVICES = ("dock", "undock", "start_motor", "stop_motor", "lidar")


@dataclass(frozen=True)
class Command:
    """A velocity that was heard on `cmd_vel`."""

    at: float  # [s] of time.monotonic(), when it was received
    sent: int  # [ns] by the clock on the wall, as the middleware of the sender stamped it
    linear: float
    angular: float
    planar: bool  # whether all other axes are zero
    header: object = None

    @property
    def moves(self):
        return self.linear != 0.0 or self.angular != 0.0


class Call:
    """A call of `dock` or `undock` that waits for its answer."""

    def __init__(self, name):
        self.name = name
        self.success, self.text = False, "the test is over"
        self.answered = threading.Event()

    def answer(self, success, text):
        self.success, self.text = success, text
        self.answered.set()


class Peer:
    """A context, a node and the thread that serves it. Hears what the bridge commands."""

    def __init__(self, domain, name="robot", namespace="/", stamped=False):
        self.context = Context()
        rclpy.init(context=self.context, domain_id=domain)
        self.executor = SingleThreadedExecutor(context=self.context)
        self.signal = Signal()
        self.commands = []
        self.latches = []  # (sent, active) of every message on emergency_stop
        self.scans = []  # [ns] by the clock on the wall, when each scan was sent
        self.stamped = stamped
        self.node = self.add_node(name, namespace)
        self.listener = None
        self.setup()
        self.listen()
        self.node.create_subscription(Bool, "emergency_stop", self.heard_latch, LATCHED)
        self.thread = threading.Thread(target=self.spin, args=[self.executor], daemon=True)
        self.thread.start()

    def setup(self):
        """For more than listening."""

    def add_node(self, name, namespace="/", executor=None, **options):
        node = Node(name, context=self.context, namespace=namespace, enable_rosout=False,
                    **{"start_parameter_services": False, **options})
        (executor or self.executor).add_node(node)
        return node

    @staticmethod
    def spin(executor):
        try:
            executor.spin()
        except ExternalShutdownException:
            pass

    def close(self):
        self.executor.shutdown(0)
        rclpy.shutdown(context=self.context)
        self.thread.join(PATIENCE)

    def listen(self):
        """Be the drive: somebody who listens on `cmd_vel`."""
        kind = TwistStamped if self.stamped else Twist
        self.listener = self.node.create_subscription(kind, "cmd_vel", self.heard_command, EVERY_ONE)

    def stop_listening(self):
        self.node.destroy_subscription(self.listener)
        self.listener = None

    def heard_command(self, message, info):
        now = time.monotonic()
        twist = message.twist if self.stamped else message
        rest = (twist.linear.y, twist.linear.z, twist.angular.x, twist.angular.y)
        command = Command(now, info["source_timestamp"], twist.linear.x, twist.angular.z, not any(rest),
                          message.header if self.stamped else None)
        with self.signal:
            self.commands.append(command)

    def heard_latch(self, message, info):
        with self.signal:
            self.latches.append((info["source_timestamp"], message.data))

    def collect(self, kind, topic, profile=RELIABLE):
        """A list that grows with each (time, message) of a topic."""
        heard = []

        def take(message):
            now = time.monotonic()
            with self.signal:
                heard.append((now, message))
        self.node.create_subscription(kind, topic, take, profile)
        return heard

    def wait(self, holds, what, within=PATIENCE):
        """What `holds` returns once it is true; looked at with every message that comes."""
        result = self.signal.wait_for(holds, within)
        assert result, f"never happened within {within} s: {what}; last commands: {self.commands[-3:]}"
        return result

    def first(self, where, since=0.0, what="a velocity like this", within=PATIENCE):
        """The first velocity received after `since` (time.monotonic) for which this holds."""
        def find():
            return next((each for each in self.commands if each.at >= since and where(each)), None)
        return self.wait(find, what, within)

    def first_moving(self, since):
        return self.first(lambda command: command.moves, since, "a velocity other than zero")

    def first_zero(self, since):
        return self.first(lambda command: not command.moves, since, "a velocity of zero")

    def since(self, since):
        """The velocities received after this time."""
        with self.signal:
            return [each for each in self.commands if each.at >= since]

    def forget(self):
        """Drop the velocities and scans that were heard but the newest, so that looking through them stays quick."""
        with self.signal:
            self.commands.clear()
            del self.scans[:-1]

    def wait_quiet(self, seconds=0.3):
        """Return once nothing was said on `cmd_vel` for this long."""
        known, deadline = -1, time.monotonic() + PATIENCE
        while known != len(self.commands):
            assert time.monotonic() < deadline, f"cmd_vel is never quiet; last commands: {self.commands[-3:]}"
            known = len(self.commands)
            self.signal.wait_for(lambda: len(self.commands) != known, seconds)


class Robot(Peer):
    """A robot whose sensors tell what the test sets, and whose services answer as the test says."""

    def __init__(self, domain, *, scan_topic="scan", scan_profile=BEST_EFFORT, services=SERVICES, muted=(), **options):
        self.scan_topic, self.scan_profile, self.services = scan_topic, scan_profile, services
        self.muted = set(muted)
        self.rates = dict(RATES)
        self.scan = scan([1.0, 2.0, 3.0, 4.0] * 90)
        self.position, self.velocity = (0.0, 0.0, 0.0), (0.0, 0.0, 0.0)
        self.charge, self.charging, self.degrees = 0.5, False, 20.0
        self.published = {name: 0 for name in RATES}
        self.calls, self.motor = [], []
        self.stamp = None  # of every message; None: the time
        self.lateness = 0.0  # [s] of the stamps of scans; negative: ahead
        self.frozen = False  # the same scan again and again
        self.lidar = self.serving = None
        super().__init__(domain, **options)

    def setup(self):
        """Services first: whoever has found the topics has found these."""
        namespace = self.node.get_namespace()
        if "lidar" in self.services:
            self.lidar = self.add_node("lidar", namespace, start_parameter_services=True)
            self.lidar.declare_parameter("scan_frequency", 10.0)
        if {"dock", "undock"} & set(self.services):
            # Its calls last as long as the test wants, so it has a thread of its own.
            self.controller = SingleThreadedExecutor(context=self.context)
            controller = self.add_node("dock_controller", namespace, self.controller)
            for name in {"dock", "undock"} & set(self.services):
                controller.create_service(Trigger, name, partial(self.take_call, name))
            self.serving = threading.Thread(target=self.spin, args=[self.controller], daemon=True)
            self.serving.start()
        for name in {"start_motor", "stop_motor"} & set(self.services):
            self.node.create_service(Empty, name, lambda _, answer, name=name: self.take_motor(name, answer))
        create = self.node.create_publisher
        self.publishers = {
            "scan": create(LaserScan, self.scan_topic, self.scan_profile),
            "odom": create(Odometry, "odom", RELIABLE),
            "battery_state": create(BatteryState, "battery_state", RELIABLE),
            "temperature": create(Temperature, "temperature", RELIABLE),
        }
        self.dock_velocity = create(Twist, "cmd_vel_dock", RELIABLE)
        self.timers = {name: self.node.create_timer(1.0 / self.rates[name], lambda name=name: self.tell(name))
                       for name in RATES}

    def tell(self, name):
        """Publish what is set, as the timers do."""
        if name in self.muted:
            return
        message = getattr(self, f"make_{name}")()
        late = Duration(seconds=self.lateness if name == "scan" else 0.0)
        message.header.stamp = self.stamp or (self.node.get_clock().now() - late).to_msg()
        self.publishers[name].publish(message)
        self.published[name] += 1
        if name == "scan":
            self.scans.append(time.time_ns())

    def set_rate(self, name, hertz):
        self.timers[name].timer_period_ns = int(1e9 / hertz)
        self.timers[name].reset()

    def make_scan(self):
        """No two scans of a LiDAR are the same; a difference of a micrometre is enough to say so."""
        message = copy.copy(self.scan)
        if self.frozen:
            return message
        ranges = np.array(self.scan.ranges, dtype=np.float32)
        ranges[0] += np.float32(1e-6 * (self.published["scan"] % 7))
        message.ranges = ranges.tolist()
        return message

    def make_odom(self):
        message = Odometry()
        message.header.frame_id, message.child_frame_id = "odom", "base_link"
        place, twist = message.pose.pose.position, message.twist.twist
        place.x, place.y, place.z = self.position
        message.pose.pose.orientation.w = 1.0
        twist.linear.x, twist.linear.y, twist.angular.z = self.velocity
        return message

    def make_battery_state(self):
        status = (BatteryState.POWER_SUPPLY_STATUS_CHARGING if self.charging
                  else BatteryState.POWER_SUPPLY_STATUS_DISCHARGING)
        return BatteryState(percentage=self.charge, power_supply_status=status)

    def make_temperature(self):
        return Temperature(temperature=self.degrees)

    def steer_dock(self, linear, angular=0.0):
        """As the docking controller asks for it."""
        twist = Twist()
        twist.linear.x, twist.angular.z = linear, angular
        self.dock_velocity.publish(twist)

    def take_call(self, name, _, answer):
        call = Call(name)
        with self.signal:
            self.calls.append(call)
        call.answered.wait()
        answer.success, answer.message = call.success, call.text
        return answer

    def close(self):
        for call in self.calls:
            call.answered.set()
        if self.serving:
            self.controller.shutdown(0)
            self.serving.join(PATIENCE)
        super().close()

    def take_motor(self, name, answer):
        with self.signal:
            self.motor.append(name)
        (self.muted.discard if name == "start_motor" else self.muted.add)("scan")
        return answer

    def wait_call(self, name):
        """The call of this service that waits for an answer."""
        def find():
            return next((call for call in self.calls if call.name == name and not call.answered.is_set()), None)
        return self.wait(find, f"a call of {name}")


def scan(ranges, *, angle_min=-math.pi, span=2 * math.pi, range_min=0.1, range_max=10.0):
    """A LaserScan with these ranges, evenly over a span in rad."""
    message = LaserScan(angle_min=angle_min, angle_increment=span / len(ranges), range_min=range_min,
                        range_max=range_max, ranges=[float(each) for each in ranges])
    message.angle_max = angle_min + span
    message.header.frame_id = "laser"
    return message


def things(*, ahead=None, behind=None):
    """A scan of walls at 5 m, with a thing ahead or behind so far from the LiDAR, m."""
    ranges = [5.0] * 360
    if ahead:
        ranges[174:187] = [ahead] * 13
    if behind:
        ranges[:6] = ranges[-6:] = [behind] * 6
    return scan(ranges)


def points_of(scan, base_from_laser):
    """Where the beams hit, in the base's frame, m: the same sum as the bridge's, done in numpy."""
    ranges = np.array(scan.ranges, dtype=np.float64)
    angles = scan.angle_min + scan.angle_increment * np.arange(len(ranges))
    with np.errstate(invalid="ignore"):
        hit = (ranges > np.float32(0.05)) & (ranges <= scan.range_max)
    ranges, angles = ranges[hit], angles[hit]
    x, y, yaw = base_from_laser
    laser = np.stack([ranges * np.cos(angles), ranges * np.sin(angles)])
    turn = np.array([[math.cos(yaw), -math.sin(yaw)], [math.sin(yaw), math.cos(yaw)]])
    return (turn @ laser).T + [x, y]
