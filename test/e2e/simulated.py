"""The simulated robot as a process, and a peer that hears everything it tells."""

import time

import numpy as np
from geometry_msgs.msg import TwistStamped
from nav_msgs.msg import Odometry
from rclpy.qos import QoSProfile
from sensor_msgs.msg import BatteryState, LaserScan, Temperature
from std_srvs.srv import Empty

from peer import BEST_EFFORT, Peer
from programs import Simulator
from waiting import now


# What a killed process holds up for a second and more comes at once, and none of it may be dropped.
HELD_UP = QoSProfile(depth=500)


class Listener(Peer):
    """Starts the simulator, and hears what it tells."""

    def __init__(self, domain, directory, **parameters):
        self.simulator = Simulator(directory, parameters)
        self.newest_scan = 0.0  # [s] of time.monotonic(), when it was received
        super().__init__(domain, name="listener")

    def setup(self):
        self.odometry = self.collect(Odometry, "odom", HELD_UP)
        self.drive = self.collect(TwistStamped, "drive_command", HELD_UP)
        self.battery = self.collect(BatteryState, "battery_state")
        self.temperature = self.collect(Temperature, "temperature")
        self.node.create_subscription(LaserScan, "scan", self.heard_scan, BEST_EFFORT)
        self.motor = {name: self.node.create_client(Empty, name) for name in ("start_motor", "stop_motor")}

    def heard_scan(self, _, info):
        at = now()
        with self.signal:
            self.newest_scan = at
            self.scans.append(info["source_timestamp"])

    def turn_lidar(self, on):
        """Ask the LiDAR's motor to turn or to stop; does not wait."""
        self.motor["start_motor" if on else "stop_motor"].call_async(Empty.Request())

    def wait_drive(self, moves, since):
        """When the drive first commanded a motion, or none, by its own stamp."""
        def find():
            return next((at for at, twist in stamped(self.drive, since)
                         if (twist.linear.x != 0.0 or twist.angular.z != 0.0) == moves), None)
        return self.wait(find, "the drive commands " + ("a motion" if moves else "zero"))

    def wait_rest(self, since):
        """When the odometry first said that the robot stands, by its own stamp."""
        def find():
            return next((at for at, twist in stamped(self.odometry, since) if twist.linear.x == 0.0), None)
        return self.wait(find, "the robot stands")

    @property
    def speed(self):
        """As the odometry tells it, whichever way, m/s."""
        return abs(self.odometry[-1][1].twist.twist.linear.x) if self.odometry else 0.0

    @property
    def place(self):
        position = self.odometry[-1][1].pose.pose.position
        return np.array([position.x, position.y])

    def zeros(self, since):
        """The velocities of zero received after this time."""
        return [each for each in self.since(since) if not each.moves]

    def forget(self):
        """Drop what was heard but the newest of each, so that looking through it stays quick."""
        super().forget()
        with self.signal:
            for heard in (self.odometry, self.drive, self.battery, self.temperature):
                del heard[:-1]

    def close(self):
        super().close()
        self.simulator.end()


def stamped(heard, since):
    """(time, twist) of the messages stamped at or after this time, both by the monotonic clock.

    A killed process can make the middleware hold up the telling; the robot has long done what it tells then.
    """
    offset = time.time() - now()
    for _, message in heard:
        at = message.header.stamp.sec + message.header.stamp.nanosec / 1e9 - offset
        if at >= since:
            yield at, getattr(message.twist, "twist", message.twist)  # with a covariance in an Odometry
