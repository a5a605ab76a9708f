# Builds the node with cargo and installs its two executables where `ros2 run` and `ros2 launch` look for them.
# Run by `cmake --install`, with the OHT50_... variables that CMakeLists.txt sets in front of it.

# The messages that were installed a moment ago must be found. Folders that are already in front stay where they are,
# because a changed value makes cargo build r2r anew.
function(put_in_front variable dir)
  string(FIND "$ENV{${variable}}:" "${dir}:" position)
  if(NOT position EQUAL 0)
    set(ENV{${variable}} "${dir}:$ENV{${variable}}")
  endif()
endfunction()

put_in_front(AMENT_PREFIX_PATH "${CMAKE_INSTALL_PREFIX}")
put_in_front(CMAKE_PREFIX_PATH "${CMAKE_INSTALL_PREFIX}")
put_in_front(LD_LIBRARY_PATH "${CMAKE_INSTALL_PREFIX}/lib")

# Cargo's own choice when the user has one, so that a shared target folder is used; else inside of the build folder,
# to leave the source as it is.
if("$ENV{CARGO_TARGET_DIR}" STREQUAL "")
  set(ENV{CARGO_TARGET_DIR} "${OHT50_CARGO_BUILD}/cargo")
endif()

set(profile)
if(OHT50_BUILD_TYPE STREQUAL "Debug")
  set(profile --debug)
endif()

# cargo installs into bin/, and ROS wants lib/<package>/: hence a place in between.
set(staging "${OHT50_CARGO_BUILD}/cargo-install")
execute_process(
  COMMAND cargo install --locked --force --no-track --path "${OHT50_CARGO_SOURCE}" --root "${staging}" ${profile}
  COMMAND_ERROR_IS_FATAL ANY)
foreach(name IN ITEMS oht50_bridge oht50_sim)
  file(INSTALL "${staging}/bin/${name}"
    DESTINATION "${CMAKE_INSTALL_PREFIX}/lib/${OHT50_PACKAGE}" USE_SOURCE_PERMISSIONS)
endforeach()
