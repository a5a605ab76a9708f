"""Check the launch files without ROS's launch system: they compile, and declare the arguments that the README promises."""

import ast
import sys
from pathlib import Path

LAUNCH = Path(__file__).resolve().parent.parent / "launch"
PROMISED = {"namespace", "params_file", "use_sim_time", "log_level", "log_format"}


def names_given_to(tree: ast.AST, function: str) -> set[str]:
    """The literal first arguments of all calls of a function."""
    return {call.args[0].value for call in ast.walk(tree)
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == function
            and call.args and isinstance(call.args[0], ast.Constant)}


def complaints(file: Path) -> list[str]:
    tree = ast.parse(file.read_text(), str(file))
    compile(tree, str(file), "exec")
    declared = names_given_to(tree, "DeclareLaunchArgument")
    found = []
    if not any(isinstance(node, ast.FunctionDef) and node.name == "generate_launch_description" for node in tree.body):
        found.append("has no generate_launch_description()")
    if missing := PROMISED - declared:
        found.append(f"does not declare {sorted(missing)}")
    if unknown := names_given_to(tree, "LaunchConfiguration") - declared:
        found.append(f"uses {sorted(unknown)} without declaring it")
    return [f"{file.name} {text}" for text in found]


def main() -> None:
    files = sorted(LAUNCH.glob("*.launch.py"))
    wrong = [text for file in files for text in complaints(file)]
    print(f"{len(files)} launch files checked", *wrong, sep="\n")
    sys.exit(bool(wrong) or not files)


if __name__ == "__main__":
    main()
