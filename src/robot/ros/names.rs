//! Names as the graph knows them, after namespace and remaps: r2r asks the graph by full name and does not tell ours.
//!
//! The rules are those of rcl (design.ros2.org, "Topic and Service name mapping to DDS" and "Static remapping"): the first remap of the
//! command line whose left side is the same full name applies.

/// Resolves names of one node.
#[derive(Debug, Clone)]
pub(super) struct Names {
    /// `/` or `/robot1`.
    namespace: String,
    node: String,
    /// As the command line has them.
    rules: Vec<String>,
    remaps: Vec<Remap>,
}

/// A rule for a topic or a service, in full names.
#[derive(Debug, Clone)]
struct Remap {
    /// `None`: of either kind.
    kind: Option<Kind>,
    from: String,
    to: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Topic,
    Service,
}

impl Names {
    /// For this node of a process with this command line.
    pub(super) fn new(
        namespace: &str,
        node: &str,
        arguments: impl IntoIterator<Item = String>,
    ) -> Names {
        let (namespace, node) = (namespace.to_owned(), node.to_owned());
        let mut names = Names { namespace, node, rules: rules(arguments), remaps: Vec::new() };
        names.remaps = names.rules.iter().filter_map(|rule| names.remap(rule)).collect();
        names
    }

    /// The node's namespace.
    pub(super) fn namespace(&self) -> &str {
        &self.namespace
    }

    /// The node's name.
    pub(super) fn node(&self) -> &str {
        &self.node
    }

    /// Whether another node of this process, made with this name, would get a different one.
    pub(super) fn renames(&self, node: &str) -> bool {
        let mut rules = self.rules.iter().filter_map(|rule| parts(rule, node));
        rules.any(|(_, from, _)| matches!(from, "__node" | "__name"))
    }

    /// The full name of a topic.
    pub(super) fn resolve(&self, name: &str) -> String {
        self.resolve_as(Kind::Topic, name)
    }

    /// The full name of a service.
    pub(super) fn resolve_service(&self, name: &str) -> String {
        self.resolve_as(Kind::Service, name)
    }

    fn resolve_as(&self, kind: Kind, name: &str) -> String {
        let full = self.expand(name);
        let applies =
            |rule: &&Remap| rule.from == full && rule.kind.is_none_or(|only| only == kind);
        let rule = self.remaps.iter().find(applies);
        rule.map_or(full, |rule| rule.to.clone())
    }

    /// `None` for a rule that is another node's, or that renames nodes.
    fn remap(&self, rule: &str) -> Option<Remap> {
        let (kind, from, to) = parts(rule, &self.node)?;
        let remap = || Remap { kind, from: self.expand(from), to: self.expand(to) };
        (!from.starts_with("__")).then(remap)
    }

    fn expand(&self, name: &str) -> String {
        let namespace = self.namespace.trim_end_matches('/');
        match name.strip_prefix('~') {
            Some(rest) => format!("{namespace}/{}{rest}", self.node),
            None if name.starts_with('/') => name.to_owned(),
            None => format!("{namespace}/{name}"),
        }
    }
}

/// `[NODE:][rostopic://|rosservice://]FROM:=TO`; `None` for a rule that is none, or that is not this node's.
fn parts<'a>(rule: &'a str, node: &str) -> Option<(Option<Kind>, &'a str, &'a str)> {
    let (from, to) = rule.split_once(":=")?;
    let from = match from.split_once(':') {
        Some((whose, from)) if !from.starts_with("//") => (whose == node).then_some(from)?,
        _ => from,
    };
    for (scheme, kind) in [("rostopic://", Kind::Topic), ("rosservice://", Kind::Service)] {
        if let Some(from) = from.strip_prefix(scheme) {
            return Some((Some(kind), from, to));
        }
    }
    Some((None, from, to))
}

/// What follows `-r` and `--remap` within the ROS arguments.
fn rules(arguments: impl IntoIterator<Item = String>) -> Vec<String> {
    let (mut ours, mut next) = (false, false);
    let mut rules = Vec::new();
    for argument in arguments {
        match argument.as_str() {
            "--ros-args" => ours = true,
            "--" => ours = false,
            "-r" | "--remap" if ours => next = true,
            _ if next => {
                next = false;
                rules.push(argument);
            }
            _ => {}
        }
    }
    rules
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(namespace: &str, arguments: &str, expected: &str) {
        let arguments = arguments.split_whitespace().map(str::to_owned);
        let names = Names::new(namespace, "oht50_bridge", arguments);
        assert_eq!(names.resolve("scan"), expected);
    }

    #[test]
    fn a_name_follows_namespace_and_remaps() {
        check("/", "", "/scan");
        check("/robot1", "", "/robot1/scan");
        check("/", "--ros-args -r scan:=front/scan", "/front/scan");
        check("/robot1", "--ros-args -r scan:=front/scan", "/robot1/front/scan");
        check("/robot1", "--ros-args --remap scan:=/front/scan", "/front/scan");
        check("/robot1", "--ros-args -r /robot1/scan:=/front/scan", "/front/scan");
        check("/robot1", "--ros-args -r /scan:=/front/scan", "/robot1/scan");
        check("/robot1", "--ros-args -r __ns:=/other -r scan:=~/scan", "/robot1/oht50_bridge/scan");
        check("/", "--ros-args -r oht50_bridge:scan:=one -r scan:=two", "/one");
        check("/", "--ros-args -r other:scan:=one -r scan:=two", "/two");
        check("/", "--ros-args -r rostopic://scan:=one", "/one");
        check("/", "--ros-args -r oht50_bridge:rostopic://scan:=one", "/one");
        check("/", "--ros-args -r rosservice://scan:=one -r scan:=two", "/two");
        check("/", "-r scan:=one --ros-args -p a:=b -- -r scan:=two", "/scan");
        check("/", "--ros-args -r nonsense -r scan:=one", "/one");
    }

    #[test]
    fn a_rule_for_services_is_not_for_topics() {
        let arguments = "--ros-args -r rostopic://~/stop:=one -r rosservice://~/stop:=two";
        let names = Names::new("/r", "bridge", arguments.split_whitespace().map(str::to_owned));
        assert_eq!(names.resolve("~/stop"), "/r/one");
        assert_eq!(names.resolve_service("~/stop"), "/r/two");
        assert_eq!(names.resolve_service("stop"), "/r/stop");
    }

    #[test]
    fn a_rule_for_every_node_names_a_second_one_too() {
        for (arguments, expected) in [
            ("", false),
            ("--ros-args -r __node:=bridge", true),
            ("--ros-args -r scan:=one -r __name:=bridge", true),
            ("--ros-args -r oht50_bridge:__node:=bridge", false),
            ("--ros-args -r _bridge_stops:__node:=other", true),
            ("--ros-args -r __ns:=/robot1 -p name:=x", false),
            ("-r __node:=bridge", false),
        ] {
            let words = arguments.split_whitespace().map(str::to_owned);
            let names = Names::new("/", "bridge", words);
            assert_eq!(names.renames("_bridge_stops"), expected, "{arguments}");
        }
    }
}
