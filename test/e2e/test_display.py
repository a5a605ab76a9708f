"""What engineers see: obstacles, markers and outlines on the graph, and the shipped view of rviz against the live graph."""

import json
from pathlib import Path

import numpy as np
import pytest
import yaml
from geometry_msgs.msg import PolygonStamped
from oht50_bridge.msg import Obstacle, ObstacleArray
from rclpy.qos import DurabilityPolicy, LivelinessPolicy, QoSCompatibility, QoSProfile, ReliabilityPolicy, qos_check_compatible
from sensor_msgs.msg import LaserScan
from tf2_msgs.msg import TFMessage
from visualization_msgs.msg import Marker, MarkerArray

from figures import noted
from frames import decode, points
from peer import BEST_EFFORT
from simulated import Listener
from waiting import eventually

VIEW = Path(__file__).resolve().parents[2] / "config" / "bridge.rviz"
DISPLAYS = {  # what a display subscribes to, as the rviz user guide tells
    "rviz_default_plugins/RobotModel": "std_msgs/msg/String",
    "rviz_default_plugins/Odometry": "nav_msgs/msg/Odometry",
    "rviz_default_plugins/LaserScan": "sensor_msgs/msg/LaserScan",
    "rviz_default_plugins/MarkerArray": "visualization_msgs/msg/MarkerArray",
    "rviz_default_plugins/Polygon": "geometry_msgs/msg/PolygonStamped",
}
WITHOUT_TOPIC = {"rviz_default_plugins/Grid", "rviz_default_plugins/TF"}
RELIABILITY = {"Reliable": ReliabilityPolicy.RELIABLE, "Best Effort": ReliabilityPolicy.BEST_EFFORT}
DURABILITY = {"Volatile": DurabilityPolicy.VOLATILE, "Transient Local": DurabilityPolicy.TRANSIENT_LOCAL}
COLUMNS = [(4.5, 2.5), (4.5, -2.5), (9.0, 2.5), (9.0, -2.5)]  # [m] in the hall, seen from the start


class TestDisplay:
    @staticmethod
    def make_peer(domain, directory):
        return Listener(domain, directory, people=1)

    def test_obstacles_are_those_of_the_stream(self, world, robot, lan):
        told = robot.collect(ObstacleArray, "oht50_bridge/obstacles")
        scans = robot.collect(LaserScan, "scan", BEST_EFFORT)
        lan.subscribe("lidar")

        pictures = {}

        def both():
            """A message and a picture of one scan, with the columns; whichever comes first waits for the other."""
            picture = lan.next("lidar_update")
            pictures[np.datetime64(picture["stamp"].rstrip("Z"), "us").astype(int)] = picture["data"]["obstacles"]
            for _, array in told[-20:]:
                shown = pictures.get(array.header.stamp.sec * 1_000_000 + array.header.stamp.nanosec // 1000)
                if shown and len(shown) >= len(COLUMNS):
                    return array, shown
            return None
        array, stream = eventually(both, "a message and a picture of one scan", pause=0.0)
        assert array.header.frame_id == "base_link"
        assert array.header.stamp in [scan.header.stamp for _, scan in scans], "to be joined with the scan by its stamp"
        assert [each.id for each in array.obstacles] == [each["id"] for each in stream]
        for message, shown in zip(array.obstacles, stream, strict=True):
            assert (message.position.x, message.position.y) == pytest.approx(tuple(shown["position"].values()), abs=0.001)
            assert (message.velocity.x, message.velocity.y) == pytest.approx(tuple(shown["velocity"].values()), abs=0.001)
            assert message.radius == pytest.approx(shown["radius"], abs=0.001)
            assert message.confidence == pytest.approx(shown["confidence"], abs=0.001)
            assert message.type == {"static": Obstacle.STATIC, "dynamic": Obstacle.DYNAMIC}[shown["type"]]
        places = np.array([(each.position.x, each.position.y) for each in array.obstacles])
        for column in COLUMNS:
            assert np.hypot(*(places - column).T).min() < 0.1, column

    def test_binary_frames_say_what_the_json_says(self, world, robot, lan):
        watcher = world.connect(8, "watcher", role="viewer")
        lan.subscribe("lidar")
        watcher.subscribe("lidar", encoding="binary")

        def same():
            """A frame and a message of one scan."""
            messages = {message["seq"]: message for _, message in lan.inbox if message["type"] == "lidar_update"}
            frames = [decode(message["data"]) for _, message in list(watcher.inbox) if message["type"] == "binary"]
            pairs = [(frame, messages[frame.seq]) for frame in frames if frame.seq in messages]
            return pairs[-1] if pairs and len(pairs[-1][0].obstacles) >= len(COLUMNS) else None
        frame, message = eventually(same, "a frame and a message of one scan")
        data = message["data"]
        shown = np.array(data["scan_data"]["points"])
        assert points(frame).shape == shown.shape and np.abs(points(frame) - shown).max() < 0.002
        assert frame.quality == pytest.approx(data["scan_data"]["quality"], abs=0.001)
        assert frame.zones == sum(zone["violated"] << at for at, zone in enumerate(data["safety_zones"])) and not frame.docking
        assert np.datetime64(frame.stamp, "us") == np.datetime64(message["stamp"].rstrip("Z"), "us")
        assert [each["id"] for each in frame.obstacles] == [each["id"] for each in data["obstacles"]]
        for binary, text in zip(frame.obstacles, data["obstacles"], strict=True):
            assert binary["type"] == text["type"] and binary["confidence"] == pytest.approx(text["confidence"], abs=0.003)
            assert binary["radius"] == pytest.approx(text["radius"], abs=0.001)
            for key in ("position", "velocity"):
                assert binary[key] == pytest.approx(tuple(text[key].values()), abs=0.002)
        size = len(watcher.next("binary")["data"])
        assert size < 2560 and not any(message["type"] == "lidar_update" for _, message in watcher.inbox)
        noted("a binary frame of 720 beams", f"{size} bytes, the JSON {len(json.dumps(message, separators=(',', ':')))}")
        watcher.subscribe("lidar", encoding="json")
        watcher.next("lidar_update")
        watcher.take("binary")
        watcher.next("lidar_update")
        assert not watcher.take("binary"), "it was changed"

    def test_who_walks_is_dynamic_with_the_velocity_of_the_walk(self, world, robot, lan):
        told = robot.collect(ObstacleArray, "oht50_bridge/obstacles")

        def walker():
            """The one person of this hall: to and fro along x = 6 m with 1 m/s."""
            return next((each for _, array in told[-20:] for each in array.obstacles
                         if each.type == Obstacle.DYNAMIC and abs(abs(each.velocity.y) - 1.0) < 0.1), None)
        person = robot.wait(walker, "somebody walks")
        assert person.position.x == pytest.approx(6.0, abs=0.1) and abs(person.velocity.x) < 0.2

    def test_markers_show_obstacles_with_ids_and_velocities_and_zones_by_their_state(self, world, robot, lan):
        told = robot.collect(MarkerArray, "oht50_bridge/markers")

        def all_kinds():
            markers = [marker for _, array in told[-20:] for marker in array.markers]
            return markers if {marker.ns for marker in markers} == {"obstacles", "ids", "velocities", "safety_zones"} else None
        markers = robot.wait(all_kinds, "markers of each kind")
        kinds = {"obstacles": Marker.CYLINDER, "ids": Marker.TEXT_VIEW_FACING, "velocities": Marker.ARROW,
                 "safety_zones": Marker.LINE_STRIP}
        for marker in markers:
            assert marker.type == kinds[marker.ns] and marker.action == Marker.ADD and marker.header.frame_id == "base_link"
            assert 0.0 < marker.color.a <= 1.0 and marker.pose.orientation.w == 1.0
            assert marker.lifetime.nanosec > 0, "it goes by itself"
        zones = {marker.id: marker for marker in markers if marker.ns == "safety_zones"}
        assert len(zones) == 3 and all(zone.points[0] == zone.points[-1] for zone in zones.values())
        assert zones[0].color.r > 0.8 > zones[2].color.r, "critical is red, safe is not"
        names = [marker.text for marker in markers if marker.ns == "ids"]
        assert all(name.startswith("obs_") for name in names)

    def test_outlines_are_those_of_the_stream(self, world, robot, lan):
        footprint = robot.collect(PolygonStamped, "oht50_bridge/footprint")
        zones = {name: robot.collect(PolygonStamped, f"oht50_bridge/safety_zones/{name}")
                 for name in ("critical", "warning", "safe", "dock")}
        lan.subscribe("lidar")
        shown = {each["id"]: each["boundary"] for each in lan.next("lidar_update")["data"]["safety_zones"]}
        for name in ("critical", "warning", "safe"):
            _, polygon = robot.wait(lambda name=name: zones[name] and zones[name][-1], f"the outline of {name}")
            corners = np.array([(point.x, point.y) for point in polygon.polygon.points])
            assert polygon.header.frame_id == "base_link" and np.allclose(corners, shown[name], atol=0.001)
        assert robot.wait(lambda: zones["dock"], "a zone that does not count")[-1][1].polygon.points == []
        _, outline = robot.wait(lambda: footprint and footprint[-1], "the robot's outline")
        assert len(outline.polygon.points) >= 3

    def test_each_display_of_the_view_fits_the_graph(self, world, robot):
        view = yaml.safe_load(VIEW.read_text())["Visualization Manager"]
        graph = dict(robot.node.get_topic_names_and_types())
        shown = []
        for display in view["Displays"]:
            if display["Class"] in WITHOUT_TOPIC:
                continue
            topic = display.get("Topic") or display["Description Topic"]
            name = topic["Value"]
            assert graph.get(name) == [DISPLAYS[display["Class"]]], name
            wanted = QoSProfile(depth=topic["Depth"], reliability=RELIABILITY[topic["Reliability Policy"]],
                                durability=DURABILITY[topic["Durability Policy"]], liveliness=LivelinessPolicy.AUTOMATIC)
            for publisher in robot.node.get_publishers_info_by_topic(name):
                compatible, why = qos_check_compatible(publisher.qos_profile, wanted)
                assert compatible == QoSCompatibility.OK, f"{name}: {why}"
            shown.append(name)
        assert {"/scan", "/odom", "/robot_description", "/oht50_bridge/markers", "/oht50_bridge/footprint"} <= set(shown)
        latched = QoSProfile(depth=10, durability=DurabilityPolicy.TRANSIENT_LOCAL)
        frames = robot.collect(TFMessage, "/tf"), robot.collect(TFMessage, "/tf_static", latched)

        def known():
            transforms = [each for heard in frames for _, message in heard[-10:] for each in message.transforms]
            return {each.header.frame_id for each in transforms} | {each.child_frame_id for each in transforms}
        robot.wait(lambda: {view["Global Options"]["Fixed Frame"], view["Views"]["Current"]["Target Frame"]} <= known(),
                   "the view's frames")
