"""Make the installed ROS wheels usable by C and Rust programs, and by CMake.

Usage: repair_ros_prefix.py PREFIX, with the Python of that prefix. Each repair may be repeated without harm.
"""

import re
import subprocess
import sys
import sysconfig
from pathlib import Path

import numpy


def link_the_middleware(lib: Path) -> None:
    """Give the middleware the name under which everything else loads it.

    The wheels link one middleware directly and leave out the library that would choose among several.
    """
    generic = lib / "librmw_implementation.so"
    if not generic.is_symlink() and not generic.exists():
        generic.symlink_to("librmw_fastrtps_cpp.so")


def unlink_python_from_rcl(lib: Path, patchelf: Path) -> None:
    """Drop the Python halves of messages from the libraries that a program without Python loads.

    rcl needs none of them; with them, the loader asks for symbols that only an interpreter has.
    """
    for name in ("librcl.so", "librcl_action.so", "librcl_lifecycle.so"):
        library = lib / name
        needed = subprocess.run(
            [patchelf, "--print-needed", library], check=True, capture_output=True, text=True
        ).stdout.split()
        for dependency in needed:
            if dependency.endswith("__rosidl_generator_py.so"):
                subprocess.run([patchelf, "--remove-needed", dependency, library], check=True)


def point_cmake_here(prefix: Path) -> None:
    """Replace the paths of the machine that built the wheels in the CMake exports."""
    replacements = (
        (re.compile(r"/opt/python/[^;\"\s]*/include/python3\.\d+[a-z]*"), sysconfig.get_path("include")),
        (re.compile(r"/opt/python/[^;\"\s]*/numpy/_?core/include"), numpy.get_include()),
        (re.compile(r"/opt/python/[^/;\"\s]+"), str(prefix)),
    )
    for file in (prefix / "share").rglob("*.cmake"):
        before = file.read_text()
        after = before
        for pattern, here in replacements:
            # A function, because a path may hold what a replacement template would interpret.
            after = pattern.sub(lambda _, here=here: here, after)
        if after != before:
            file.write_text(after)


def main() -> None:
    prefix = Path(sys.argv[1]).absolute()
    link_the_middleware(prefix / "lib")
    unlink_python_from_rcl(prefix / "lib", prefix / "bin" / "patchelf")
    point_cmake_here(prefix)


if __name__ == "__main__":
    main()
