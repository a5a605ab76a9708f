"""The graph shows what the README's tables say, and the parameters can be read and not set."""

import json
import threading
from pathlib import Path

import pytest
from rcl_interfaces.msg import Parameter, ParameterType, ParameterValue
from rcl_interfaces.srv import (DescribeParameters, GetParameters, GetParameterTypes, ListParameters, SetParameters,
                                SetParametersAtomically)
from rclpy.qos import DurabilityPolicy, ReliabilityPolicy

from peer import FOOTPRINT
from waiting import PATIENCE, eventually
from world import UNLIMITED

README = Path(__file__).resolve().parents[2] / "README.md"
NODE = "oht50_bridge"
NODE_OF_STOPS = "_oht50_bridge_stops"  # hidden
RELIABILITY = {"reliable": ReliabilityPolicy.RELIABLE, "best effort": ReliabilityPolicy.BEST_EFFORT}
DURABILITY = {"volatile": DurabilityPolicy.VOLATILE, "transient local": DurabilityPolicy.TRANSIENT_LOCAL}
OF_EVERY_NODE = {"/rosout", "/parameter_events", "/clock"}
TYPES = {"bool": 1, "integer": 2, "double": 3, "string": 4, "double array": 8, "string array": 9}
STANDARD = {"use_sim_time", "start_type_description_service"}
PARAMETER_SERVICES = {
    "get_parameters": GetParameters, "get_parameter_types": GetParameterTypes, "describe_parameters": DescribeParameters,
    "list_parameters": ListParameters, "set_parameters": SetParameters, "set_parameters_atomically": SetParametersAtomically,
}


def table(section):
    """The rows of a table of the README, as dictionaries by its heading."""
    text = README.read_text().split(f"<!-- {section}:begin -->")[1].split(f"<!-- {section}:end -->")[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.strip().splitlines()]
    head, rule, *body = rows
    assert set("".join(rule)) == {"-"}
    return [dict(zip(head, row, strict=True)) for row in body]


ZONES = ["critical", "warning", "safe", "sides", "dock"]  # of both field sets, as they are shipped


def names(row):
    """Those that a row of the table of topics stands for."""
    name = row["Topic"].strip("`").replace("<hardware_stop_topic>", TestTopics.PARAMETERS["hardware_stop_topic"])
    name = f"/{NODE}/{name[2:]}" if name.startswith("~/") else f"/{name.lstrip('/')}"
    return [name.replace("<zone>", zone) for zone in ZONES] if "<zone>" in name else [name]


class TestTopics:
    PARAMETERS = {"hardware_stop_topic": "stop_button"}

    @pytest.mark.parametrize("direction", ["subscribes", "publishes"])
    def test_the_graph_has_the_readmes_topics_and_no_other(self, world, robot, direction):
        node = robot.node
        listed = {"publishes": node.get_publisher_names_and_types_by_node,
                  "subscribes": node.get_subscriber_names_and_types_by_node}[direction]
        told = {name: [row["Type"]] for row in table("topics") if row["Direction"] == direction for name in names(row)}

        def graph():
            both = listed(NODE, "/") + listed(NODE_OF_STOPS, "/")
            return {name: types for name, types in both if name not in OF_EVERY_NODE}
        eventually(lambda: graph() == told, f"{direction} {told}, not {graph()}")

    def test_each_has_the_readmes_quality_of_service(self, world, robot):
        node = robot.node
        for row, name in [(row, name) for row in table("topics") for name in names(row)]:
            infos = {"publishes": node.get_publishers_info_by_topic, "subscribes": node.get_subscriptions_info_by_topic}
            owner = NODE_OF_STOPS if "<hardware_stop_topic>" in row["Topic"] else NODE
            infos = [info for info in infos[row["Direction"]](name) if info.node_name == owner]
            assert [info.topic_type for info in infos] == [row["Type"]], row
            profile = infos[0].qos_profile
            # The depth is not told to others.
            assert profile.reliability == RELIABILITY[row["Reliability"]], row
            assert profile.durability == DURABILITY[row["Durability"]], row

    def test_every_node_can_hear_of_the_parameters(self, world, robot):
        events = [info for info in robot.node.get_publishers_info_by_topic("/parameter_events") if info.node_name == NODE]
        assert [info.topic_type for info in events] == ["rcl_interfaces/msg/ParameterEvent"]

    def test_the_services_are_those_of_parameters_and_those_called_are_the_robots(self, world, robot):
        offered = dict(robot.node.get_service_names_and_types_by_node(NODE, "/"))
        of_parameters = {f"/{NODE}/{name}": [f"rcl_interfaces/srv/{kind.__name__}"]
                         for name, kind in PARAMETER_SERVICES.items()}
        of_ours = {f"/{NODE}/{name}": ["std_srvs/srv/Trigger"] for name in ("emergency_stop", "reset_emergency_stop")}
        assert offered == of_parameters
        assert dict(robot.node.get_service_names_and_types_by_node(NODE_OF_STOPS, "/")) == of_ours
        called = dict(robot.node.get_client_names_and_types_by_node(NODE, "/"))
        assert called == {
            "/dock": ["std_srvs/srv/Trigger"], "/undock": ["std_srvs/srv/Trigger"],
            "/cancel_docking": ["std_srvs/srv/Trigger"],
            "/start_motor": ["std_srvs/srv/Empty"], "/stop_motor": ["std_srvs/srv/Empty"],
            "/lidar/set_parameters": ["rcl_interfaces/srv/SetParameters"],
        }


class TestParameters:
    def call(self, robot, name, **fields):
        client = robot.node.create_client(PARAMETER_SERVICES[name], f"/{NODE}/{name}")
        assert client.wait_for_service(PATIENCE), f"no service {name}"
        done = threading.Event()
        future = client.call_async(PARAMETER_SERVICES[name].Request(**fields))
        future.add_done_callback(lambda _: done.set())
        assert done.wait(PATIENCE), f"{name} does not answer"
        robot.node.destroy_client(client)
        return future.result()

    @property
    def told(self):
        return {row["Parameter"].strip("`"): row for row in table("parameters")}

    def test_the_list_is_the_readmes(self, world, robot):
        names = set(self.call(robot, "list_parameters").result.names)
        assert names - STANDARD == set(self.told)
        assert list(self.call(robot, "list_parameters", prefixes=["port"]).result.names) == ["port"]

    def test_types_and_values_are_the_readmes(self, world, robot):
        told = self.told
        types = self.call(robot, "get_parameter_types", names=list(told)).types
        assert list(types) == [TYPES[row["Type"]] for row in told.values()]
        ours = {"port": 0, "state_directory": str(world.directory / "state"), "base_from_laser": [0.2, 0.0, 0.0],
                "footprint": FOOTPRINT, **UNLIMITED}
        for (name, row), value in zip(told.items(), self.call(robot, "get_parameters", names=list(told)).values, strict=True):
            expected = ours[name] if name in ours else json.loads(row["Default"].strip("`"))
            assert plain(value) == expected, name
        unknown = self.call(robot, "get_parameters", names=["colour"]).values
        assert [value.type for value in unknown] == [ParameterType.PARAMETER_NOT_SET]

    def test_ranges_are_described_as_the_readme_accepts(self, world, robot):
        told = self.told
        descriptors = self.call(robot, "describe_parameters", names=list(told)).descriptors
        for (name, row), descriptor in zip(told.items(), descriptors, strict=True):
            assert (descriptor.name, descriptor.read_only, descriptor.type) == (name, True, TYPES[row["Type"]])
            assert descriptor.description == row["Meaning"].replace("\\|", "|")
            ranges = [*descriptor.integer_range, *descriptor.floating_point_range]
            if row["Type"] in ("integer", "double"):
                low, high = row["Accepted"].split("..")
                assert [(each.from_value, each.to_value) for each in ranges] == [(float(low), float(high))], name
            else:
                assert not ranges and row["Accepted"] in descriptor.additional_constraints
            assert row["Unit"] in descriptor.additional_constraints

    def test_every_change_is_refused_by_name(self, world, robot):
        def change(name, value):
            return Parameter(name=name, value=value)
        changes = [change("port", ParameterValue(type=2, integer_value=1)), change("colour", ParameterValue(type=4, string_value="red")),
                   change("max_linear_speed", ParameterValue(type=3, double_value=3.0))]
        results = self.call(robot, "set_parameters", parameters=changes).results
        for each, result in zip(changes, results, strict=True):
            assert not result.successful and each.name in result.reason
        result = self.call(robot, "set_parameters_atomically", parameters=changes[2:]).result
        assert not result.successful and "max_linear_speed" in result.reason and "read-only" in result.reason
        values = self.call(robot, "get_parameters", names=["max_linear_speed"]).values
        assert plain(values[0]) == 1.0


def plain(value):
    """What a ParameterValue holds."""
    names = ["", "bool", "integer", "double", "string", "byte_array", "bool_array", "integer_array", "double_array", "string_array"]
    held = getattr(value, f"{names[value.type]}_value")
    return list(held) if value.type >= 5 else held
