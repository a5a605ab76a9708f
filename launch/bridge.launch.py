"""Start the bridge.

    ros2 launch oht50_bridge bridge.launch.py namespace:=robot1 params_file:=/etc/oht50/bridge.yaml

The secret for tokens comes from the environment: OHT50_JWT_SECRET_FILE (a path) or OHT50_JWT_SECRET.

All topic names are relative, so that they follow the namespace. To connect them to other names, include this file from
your own and remap around it:

    GroupAction([
        SetRemap('scan', 'front_laser/scan'),
        IncludeLaunchDescription(PythonLaunchDescriptionSource(
            PathJoinSubstitution([FindPackageShare('oht50_bridge'), 'launch', 'bridge.launch.py']))),
    ])
"""

from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, OpaqueFunction
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution
from launch_ros.actions import Node
from launch_ros.substitutions import FindPackageShare


def bridge(context):
    """The node. An argument that was left empty leaves what the parameter file says."""
    lidar_node = LaunchConfiguration('lidar_node').perform(context)
    use_sim_time = LaunchConfiguration('use_sim_time').perform(context)
    log_format = LaunchConfiguration('log_format').perform(context)
    return [Node(
        package='oht50_bridge',
        executable='oht50_bridge',
        namespace=LaunchConfiguration('namespace'),
        parameters=[LaunchConfiguration('params_file')]
        + ([{'use_sim_time': use_sim_time == 'true'}] if use_sim_time else [])
        + ([{'lidar_node': lidar_node}] if lidar_node else []),
        arguments=['--ros-args', '--log-level', LaunchConfiguration('log_level')],
        additional_env={'OHT50_LOG_FORMAT': log_format} if log_format else {},
        output='screen',
        # The bridge stops the robot and ends when a part of it fails; the pause lets the port become free, and
        # keeps a wrong configuration from filling the log.
        respawn=LaunchConfiguration('respawn'),
        respawn_delay=2.0,
    )]


def generate_launch_description():
    shipped = PathJoinSubstitution([FindPackageShare('oht50_bridge'), 'config', 'bridge.yaml'])
    return LaunchDescription([
        DeclareLaunchArgument('namespace', default_value='', description='Namespace of the node and its topics'),
        DeclareLaunchArgument('params_file', default_value=shipped, description='Parameters of the bridge (YAML)'),
        DeclareLaunchArgument('use_sim_time', default_value='', choices=['true', 'false', ''],
                              description='Stamp messages by /clock; empty: as in the parameter file'),
        DeclareLaunchArgument('log_level', default_value='info', choices=['debug', 'info', 'warn', 'error', 'fatal'],
                              description='Least severe log messages to show'),
        DeclareLaunchArgument('log_format', default_value='', choices=['text', 'json', ''],
                              description='How log lines are written; empty: as in the environment'),
        DeclareLaunchArgument('lidar_node', default_value='',
                              description='Node of the LiDAR driver, for set_frequency; empty: as in the parameter file'),
        DeclareLaunchArgument('respawn', default_value='true', choices=['true', 'false'],
                              description='Start the bridge again when it ends'),
        OpaqueFunction(function=bridge),
    ])
