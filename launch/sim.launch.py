"""Start the simulated robot, and with it the bridge.

    ros2 launch oht50_bridge sim.launch.py                       # both
    ros2 launch oht50_bridge sim.launch.py bridge:=false         # the robot alone

The arguments go to both. The simulator reads its own section of sim_params_file, if one is given. For other topic
names, include this file from your own and remap around it, as bridge.launch.py describes.
"""

from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, IncludeLaunchDescription, OpaqueFunction
from launch.conditions import IfCondition
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution, ThisLaunchFileDir
from launch_ros.actions import Node
from launch_ros.substitutions import FindPackageShare


def simulator(context):
    """The node, with a parameter file only where one was named: an empty name would be an error."""
    params_file = LaunchConfiguration('sim_params_file').perform(context)
    return [Node(
        package='oht50_bridge',
        executable='oht50_sim',
        namespace=LaunchConfiguration('namespace'),
        parameters=[params_file] if params_file else [],
        arguments=['--ros-args', '--log-level', LaunchConfiguration('log_level')],
        output='screen',
    )]


def generate_launch_description():
    shipped = PathJoinSubstitution([FindPackageShare('oht50_bridge'), 'config', 'bridge.yaml'])
    forwarded = ('namespace', 'params_file', 'use_sim_time', 'log_level', 'log_format')
    return LaunchDescription([
        DeclareLaunchArgument('namespace', default_value='', description='Namespace of the nodes and their topics'),
        DeclareLaunchArgument('params_file', default_value=shipped, description='Parameters of the bridge (YAML)'),
        DeclareLaunchArgument('sim_params_file', default_value='', description='Parameters of the simulator (YAML)'),
        DeclareLaunchArgument('use_sim_time', default_value='', choices=['true', 'false', ''],
                              description='For the bridge: stamp messages by /clock; empty: as in its parameter file'),
        DeclareLaunchArgument('log_level', default_value='info', choices=['debug', 'info', 'warn', 'error', 'fatal'],
                              description='Least severe log messages to show'),
        DeclareLaunchArgument('log_format', default_value='', choices=['text', 'json', ''],
                              description="How the bridge's log lines are written; empty: as in the environment"),
        DeclareLaunchArgument('bridge', default_value='true', choices=['true', 'false'],
                              description='Start the bridge too'),
        OpaqueFunction(function=simulator),
        IncludeLaunchDescription(
            PythonLaunchDescriptionSource(PathJoinSubstitution([ThisLaunchFileDir(), 'bridge.launch.py'])),
            launch_arguments=({name: LaunchConfiguration(name) for name in forwarded}
                              # The simulator is its own LiDAR driver.
                              | {'lidar_node': 'oht50_sim'}).items(),
            condition=IfCondition(LaunchConfiguration('bridge')),
        ),
    ])
