"""Binary LiDAR frames, read as docs/PROTOCOL.md lays them out."""

import struct
from types import SimpleNamespace

import numpy as np

HEAD = struct.Struct("<4sBBBxQqq6fIHH")
OBSTACLE = struct.Struct("<IffhhHBB")


def decode(data):
    """The frame's fields; ranges in m, NaN without a return; obstacles as the JSON stream has them."""
    (magic, version, docking, obstacles, seq, stamp, timestamp, angle_min, increment, x, y, yaw, quality, zones, beams,
     _) = HEAD.unpack_from(data)
    assert (magic, version) == (b"OHTL", 1)
    assert len(data) == HEAD.size + 2 * beams + OBSTACLE.size * obstacles, "nothing is left over"
    millimetres = np.frombuffer(data, "<u2", beams, HEAD.size)
    found = []
    for at in range(obstacles):
        number, px, py, vx, vy, radius, confidence, kind = OBSTACLE.unpack_from(data, HEAD.size + 2 * beams + at * OBSTACLE.size)
        found.append({"id": f"obs_{number}", "position": (px, py), "velocity": (vx / 1000, vy / 1000), "radius": radius / 1000,
                      "confidence": confidence / 255, "type": ["static", "dynamic"][kind]})
    return SimpleNamespace(
        docking=bool(docking), seq=seq, stamp=stamp, timestamp=timestamp, quality=quality, pose=(x, y, yaw), zones=zones,
        angles=angle_min + increment * np.arange(beams), ranges=np.where(millimetres == 0, np.nan, millimetres / 1000),
        obstacles=found)


def points(frame):
    """Where beams hit, in the base frame, in the order of the sweep."""
    hit = ~np.isnan(frame.ranges)
    x, y, yaw = frame.pose
    angles, ranges = frame.angles[hit] + yaw, frame.ranges[hit]
    return np.column_stack((x + ranges * np.cos(angles), y + ranges * np.sin(angles)))
