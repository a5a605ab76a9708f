"""The launch files on a machine with ROS's launch system: the bridge comes up under its namespace and ends cleanly.

Run by colcon test, by `launch_test test/ros_launch_test.py`, or directly, which says so when it has to skip.
"""

import atexit
import importlib.util
import os
import secrets
import shutil
import sys
import tempfile
import unittest
from pathlib import Path

# pytest takes every *_test.py for its own, and would run these tests with nothing launched.
__test__ = False

NEEDED = ("launch", "launch_ros", "launch_testing", "rclpy", "ament_index_python", "yaml")
MISSING = [name for name in NEEDED if importlib.util.find_spec(name) is None]

NAMESPACE = "/launch_test"

if not MISSING:
    import launch
    import launch_testing.actions
    import launch_testing.asserts
    import rclpy
    import yaml
    from ament_index_python.packages import get_package_share_directory
    from launch.actions import IncludeLaunchDescription, SetEnvironmentVariable
    from launch.launch_description_sources import PythonLaunchDescriptionSource
    from launch.substitutions import PathJoinSubstitution
    from launch_ros.substitutions import FindPackageShare

    def own_parameters():
        """The shipped parameters, with a free port and a state of its own: a bridge may run on this machine."""
        folder = tempfile.mkdtemp(prefix="oht50_launch_test_")
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        shipped = Path(get_package_share_directory("oht50_bridge"), "config", "bridge.yaml")
        content = yaml.safe_load(shipped.read_text(encoding="utf-8"))
        content["/**"]["ros__parameters"].update(port=0, state_directory=folder)
        file = Path(folder, "bridge.yaml")
        file.write_text(yaml.safe_dump(content), encoding="utf-8")
        return str(file)

    def generate_test_description():
        """The simulator and the bridge, as sim.launch.py starts them."""
        file = PathJoinSubstitution([FindPackageShare("oht50_bridge"), "launch", "sim.launch.py"])
        return launch.LaunchDescription([
            SetEnvironmentVariable("OHT50_JWT_SECRET", secrets.token_urlsafe(48)),
            IncludeLaunchDescription(PythonLaunchDescriptionSource(file),
                                     launch_arguments={"namespace": NAMESPACE.strip("/"),
                                                       "params_file": own_parameters()}.items()),
            launch_testing.actions.ReadyToTest(),
        ])

    class TestGraph(unittest.TestCase):
        """What another node sees while both run."""

        @classmethod
        def setUpClass(cls):
            rclpy.init()
            cls.node = rclpy.create_node("launch_test_observer")

        @classmethod
        def tearDownClass(cls):
            cls.node.destroy_node()
            rclpy.shutdown()

        def test_the_bridge_listens(self, proc_output):
            # Also keeps the end from coming before the bridge has learnt to end: it is the last line of its start.
            proc_output.assertWaitFor("listening on ws://127.0.0.1:", timeout=30, stream="stderr")

        def test_both_nodes_appear_in_the_namespace(self):
            self.await_graph(lambda: {"oht50_bridge", "oht50_sim"} <= self.nodes())

        def test_the_topics_of_both_meet_in_the_namespace(self):
            self.await_graph(lambda: self.ends(f"{NAMESPACE}/scan") and self.ends(f"{NAMESPACE}/cmd_vel"))

        def nodes(self):
            return {name for name, namespace in self.node.get_node_names_and_namespaces() if namespace == NAMESPACE}

        def ends(self, topic):
            """Somebody publishes the topic, and somebody listens."""
            return self.node.count_publishers(topic) and self.node.count_subscribers(topic)

        def await_graph(self, holds):
            """Look again whenever the graph may have changed, for half a minute."""
            for _ in range(300):
                if holds():
                    return
                rclpy.spin_once(self.node, timeout_sec=0.1)
            self.fail(f"after 30 s there are {sorted(self.nodes())} in {NAMESPACE}")

    @launch_testing.post_shutdown_test()
    class TestEnd(unittest.TestCase):
        """What is left after both were asked to end."""

        def test_both_end_without_an_error(self, proc_info):
            launch_testing.asserts.assertExitCodes(proc_info)


def main():
    if MISSING:
        print(f"SKIPPED: ros_launch_test needs {', '.join(MISSING)}, which only a full ROS 2 has")
        return
    os.execvp("launch_test", ["launch_test", os.path.abspath(__file__)])


if __name__ == "__main__":
    sys.exit(main())
