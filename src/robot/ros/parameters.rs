//! The six parameter services and `/parameter_events`, from the table of parameters.
//!
//! r2r's own handler accepts every change and describes nothing. Here every parameter is read-only, and says so.

use std::sync::Arc;

use r2r::{
    QosProfile, ServiceRequest, WrappedServiceTypeSupport,
    rcl_interfaces::{
        msg::{
            FloatingPointRange, IntegerRange, ListParametersResult, Parameter as ParameterMessage,
            ParameterDescriptor, ParameterEvent, SetParametersResult,
        },
        srv::{
            DescribeParameters, GetParameterTypes, GetParameters, ListParameters, SetParameters,
            SetParametersAtomically,
        },
    },
};

use super::{Drain, RosError, RosTime, convert, drain, failed};
use crate::config::{Kind, Parameter, Value};

/// Offers the services, and announces the parameters as new.
pub(super) fn serve(
    node: &mut r2r::Node,
    parameters: Vec<(&'static Parameter, Value)>,
    time: &RosTime,
) -> Result<Vec<Drain>, RosError> {
    announce(node, &parameters, time)?;
    let table = Arc::new(Table(parameters));
    Ok(vec![
        service::<GetParameters::Service>(node, "~/get_parameters", &table, |table, request| {
            let values = request.names.iter().map(|name| convert::value_message(table.value(name)));
            GetParameters::Response { values: values.collect() }
        })?,
        service::<GetParameterTypes::Service>(
            node,
            "~/get_parameter_types",
            &table,
            |table, request| {
                let types =
                    request.names.iter().map(|name| convert::type_number(table.value(name)));
                GetParameterTypes::Response { types: types.collect() }
            },
        )?,
        service::<DescribeParameters::Service>(
            node,
            "~/describe_parameters",
            &table,
            |table, request| {
                let descriptors = request.names.iter().map(|name| table.descriptor(name));
                DescribeParameters::Response { descriptors: descriptors.collect() }
            },
        )?,
        service::<ListParameters::Service>(node, "~/list_parameters", &table, |table, request| {
            let names = table.list(&request.prefixes);
            ListParameters::Response {
                result: ListParametersResult { names, prefixes: Vec::new() },
            }
        })?,
        service::<SetParameters::Service>(node, "~/set_parameters", &table, |table, request| {
            let results = request.parameters.iter().map(|parameter| table.refusal(&parameter.name));
            SetParameters::Response { results: results.collect() }
        })?,
        service::<SetParametersAtomically::Service>(
            node,
            "~/set_parameters_atomically",
            &table,
            |table, request| {
                let first = request.parameters.first();
                let nothing = SetParametersResult { successful: true, reason: String::new() };
                let result = first.map_or(nothing, |parameter| table.refusal(&parameter.name));
                SetParametersAtomically::Response { result }
            },
        )?,
    ])
}

/// The parameters and their values, which never change.
struct Table(Vec<(&'static Parameter, Value)>);

impl Table {
    fn find(&self, name: &str) -> Option<&(&'static Parameter, Value)> {
        self.0.iter().find(|(parameter, _)| parameter.name == name)
    }

    /// The value; `NotSet` for what is no parameter, so that the answer has a place for every name asked.
    fn value(&self, name: &str) -> &Value {
        self.find(name).map_or(&Value::NotSet, |(_, value)| value)
    }

    fn descriptor(&self, name: &str) -> ParameterDescriptor {
        let Some((parameter, value)) = self.find(name) else {
            return ParameterDescriptor { name: name.to_owned(), ..Default::default() };
        };
        let mut descriptor = ParameterDescriptor {
            name: name.to_owned(),
            type_: convert::type_number(value),
            description: parameter.description.to_owned(),
            read_only: true,
            ..Default::default()
        };
        let mut constraints = Vec::new();
        match parameter.kind {
            Kind::Bool { .. } => {}
            Kind::Integer { min, max, .. } => {
                descriptor.integer_range =
                    vec![IntegerRange { from_value: min, to_value: max, step: 1 }];
            }
            Kind::Double { min, max, .. } => {
                descriptor.floating_point_range =
                    vec![FloatingPointRange { from_value: min, to_value: max, step: 0.0 }];
            }
            _ => constraints.push(parameter.accepted()),
        }
        if !parameter.unit.is_empty() {
            constraints.push(format!("unit: {}", parameter.unit));
        }
        descriptor.additional_constraints = constraints.join("; ");
        descriptor
    }

    /// The names under any of the prefixes. No name has parts, so that a prefix is a whole name and every depth is
    /// deep enough.
    fn list(&self, prefixes: &[String]) -> Vec<String> {
        let names = self.0.iter().map(|(parameter, _)| parameter.name.to_owned());
        names.filter(|name| prefixes.is_empty() || prefixes.contains(name)).collect()
    }

    fn refusal(&self, name: &str) -> SetParametersResult {
        let reason = match self.find(name) {
            Some(_) => format!("parameter '{name}' is read-only: change the file and restart"),
            None => format!("parameter '{name}' is unknown"),
        };
        SetParametersResult { successful: false, reason }
    }
}

fn service<S: WrappedServiceTypeSupport + 'static>(
    node: &mut r2r::Node,
    name: &'static str,
    table: &Arc<Table>,
    answer: impl Fn(&Table, &S::Request) -> S::Response + Send + 'static,
) -> Result<Drain, RosError>
where
    S::Request: Send,
{
    let requests = node.create_service::<S>(name, QosProfile::parameters());
    let requests = requests.map_err(failed("offering a parameter service"))?;
    let table = table.clone();
    Ok(drain(requests, move |request: ServiceRequest<S>| {
        let response = answer(&table, &request.message);
        // The client may be gone by now, which is its own affair.
        if let Err(error) = request.respond(response) {
            tracing::debug!(service = name, %error, "answer not sent");
        }
    }))
}

fn announce(
    node: &mut r2r::Node,
    parameters: &[(&Parameter, Value)],
    time: &RosTime,
) -> Result<(), RosError> {
    let what = "announcing the parameters";
    let publisher = node
        .create_publisher::<ParameterEvent>("/parameter_events", QosProfile::parameter_events())
        .map_err(failed(what))?;
    let name = node.fully_qualified_name().map_err(failed(what))?;
    let event = ParameterEvent {
        stamp: time.now().map_err(failed(what))?,
        node: name,
        new_parameters: parameters
            .iter()
            .map(|(parameter, value)| ParameterMessage {
                name: parameter.name.to_owned(),
                value: convert::value_message(value),
            })
            .collect(),
        changed_parameters: Vec::new(),
        deleted_parameters: Vec::new(),
    };
    publisher.publish(&event).map_err(failed(what))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Params, effective};

    fn table() -> Table {
        Table(effective(&Params::from([("use_sim_time".to_owned(), Value::Bool(true))])))
    }

    #[test]
    fn names_have_no_parts() {
        for (parameter, _) in table().0 {
            assert!(!parameter.name.contains('.'), "{}", parameter.name);
        }
    }

    #[test]
    fn a_list_is_whole_or_by_prefix() {
        let names = |prefixes: &[&str]| {
            let prefixes: Vec<_> = prefixes.iter().map(|&prefix| prefix.to_owned()).collect();
            table().list(&prefixes)
        };
        assert_eq!(names(&[]).len(), table().0.len());
        assert!(names(&[]).is_sorted());
        assert_eq!(names(&["port", "max"]), ["port"]);
    }

    #[test]
    fn a_descriptor_tells_range_unit_and_that_nothing_can_be_set() {
        let speed = table().descriptor("max_linear_speed");
        assert_eq!((speed.type_, speed.read_only), (3, true));
        assert_eq!(speed.floating_point_range[0].to_value, 3.0);
        assert_eq!(speed.additional_constraints, "unit: m/s");
        let port = table().descriptor("port");
        assert_eq!((port.type_, port.integer_range[0].to_value), (2, 65535));
        let policy = table().descriptor("pool_policy");
        assert_eq!(policy.additional_constraints, "evict_oldest or reject");
        assert_eq!(table().descriptor("colour").type_, 0);
    }

    #[test]
    fn a_change_is_refused_by_name() {
        let reason = |name| table().refusal(name).reason;
        assert_eq!(reason("port"), "parameter 'port' is read-only: change the file and restart");
        assert_eq!(
            reason("use_sim_time"),
            "parameter 'use_sim_time' is read-only: change the file and restart"
        );
        assert_eq!(reason("colour"), "parameter 'colour' is unknown");
    }
}
