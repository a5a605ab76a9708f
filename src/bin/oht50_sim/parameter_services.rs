//! The six parameter services and `/parameter_events`, answered from the settings' table.
//!
//! r2r's own handler accepts every name and value and describes no range, so this node serves them itself.

use futures::{
    StreamExt,
    stream::{LocalBoxStream, select_all},
};
use r2r::{
    Node, Publisher, QosProfile, ServiceRequest,
    rcl_interfaces::{
        msg::{
            FloatingPointRange, IntegerRange, ListParametersResult, Parameter as Named,
            ParameterDescriptor, ParameterEvent, ParameterType, ParameterValue,
            SetParametersResult,
        },
        srv::{
            DescribeParameters, GetParameterTypes, GetParameters, ListParameters, SetParameters,
            SetParametersAtomically,
        },
    },
};

use super::{
    parameters::{Parameter, SettingError, TABLE, Value},
    settings::Settings,
};

/// What somebody wants to know of the parameters, or to change.
pub enum Request {
    /// `~/set_parameters`
    Set(ServiceRequest<SetParameters::Service>),
    /// `~/set_parameters_atomically`
    SetAtomically(ServiceRequest<SetParametersAtomically::Service>),
    /// `~/get_parameters`
    Get(ServiceRequest<GetParameters::Service>),
    /// `~/get_parameter_types`
    GetTypes(ServiceRequest<GetParameterTypes::Service>),
    /// `~/describe_parameters`
    Describe(ServiceRequest<DescribeParameters::Service>),
    /// `~/list_parameters`
    List(ServiceRequest<ListParameters::Service>),
}

/// Offers the six services.
pub fn offer(node: &mut Node) -> r2r::Result<LocalBoxStream<'static, Request>> {
    let qos = QosProfile::parameters();
    Ok(select_all([
        node.create_service("~/set_parameters", qos.clone())?.map(Request::Set).boxed_local(),
        node.create_service("~/set_parameters_atomically", qos.clone())?
            .map(Request::SetAtomically)
            .boxed_local(),
        node.create_service("~/get_parameters", qos.clone())?.map(Request::Get).boxed_local(),
        node.create_service("~/get_parameter_types", qos.clone())?
            .map(Request::GetTypes)
            .boxed_local(),
        node.create_service("~/describe_parameters", qos.clone())?
            .map(Request::Describe)
            .boxed_local(),
        node.create_service("~/list_parameters", qos)?.map(Request::List).boxed_local(),
    ])
    .boxed_local())
}

/// Announces changed parameters to tools.
pub struct Events {
    node: String,
    publisher: Publisher<ParameterEvent>,
}

impl Events {
    /// Offers `/parameter_events`.
    pub fn offer(node: &mut Node) -> r2r::Result<Events> {
        let qos = QosProfile::parameter_events();
        Ok(Events {
            node: node.fully_qualified_name()?,
            publisher: node.create_publisher("/parameter_events", qos)?,
        })
    }

    /// Tells the difference between two states of the settings; nothing, if there is none.
    pub fn tell(
        &self,
        stamp: r2r::builtin_interfaces::msg::Time,
        before: &Settings,
        after: &Settings,
    ) -> r2r::Result<()> {
        let changed_parameters: Vec<Named> = TABLE
            .iter()
            .filter(|parameter| before.value(parameter) != after.value(parameter))
            .map(|parameter| Named {
                name: parameter.name.to_owned(),
                value: message(after.value(parameter)),
            })
            .collect();
        if changed_parameters.is_empty() {
            return Ok(());
        }
        let node = self.node.clone();
        self.publisher.publish(&ParameterEvent {
            stamp,
            node,
            changed_parameters,
            ..Default::default()
        })
    }
}

/// Carries out a request and answers it.
pub fn answer(request: Request, settings: &mut Settings) -> r2r::Result<()> {
    match request {
        Request::Set(request) => {
            let set = |it: &Named| result(settings.set(&it.name, value(&it.value)));
            let results = request.message.parameters.iter().map(set).collect();
            request.respond(SetParameters::Response { results })
        }
        Request::SetAtomically(request) => {
            let mut changed = settings.clone();
            let mut parameters = request.message.parameters.iter();
            let outcome = parameters.try_for_each(|it| changed.set(&it.name, value(&it.value)));
            if outcome.is_ok() {
                *settings = changed;
            }
            request.respond(SetParametersAtomically::Response { result: result(outcome) })
        }
        Request::Get(request) => {
            let get = |name: &String| match Parameter::find(name) {
                Ok(parameter) => message(settings.value(parameter)),
                Err(_) => ParameterValue::default(),
            };
            let values = request.message.names.iter().map(get).collect();
            request.respond(GetParameters::Response { values })
        }
        Request::GetTypes(request) => {
            let kind = |name: &String| match Parameter::find(name) {
                Ok(parameter) => message(settings.value(parameter)).type_,
                Err(_) => ParameterType::PARAMETER_NOT_SET as u8,
            };
            let types = request.message.names.iter().map(kind).collect();
            request.respond(GetParameterTypes::Response { types })
        }
        Request::Describe(request) => {
            let describe = |name: &String| match Parameter::find(name) {
                Ok(parameter) => descriptor(parameter, settings),
                Err(_) => ParameterDescriptor { name: name.clone(), ..Default::default() },
            };
            let descriptors = request.message.names.iter().map(describe).collect();
            request.respond(DescribeParameters::Response { descriptors })
        }
        Request::List(request) => {
            // No name here has a dot: a prefix can only be a whole name, and every depth shows all.
            let prefixes = &request.message.prefixes;
            let asked = |name: &&str| prefixes.is_empty() || prefixes.iter().any(|it| it == name);
            let names = TABLE.iter().map(|parameter| parameter.name).filter(asked);
            let names = names.map(str::to_owned).collect();
            let result = ListParametersResult { names, prefixes: Vec::new() };
            request.respond(ListParameters::Response { result })
        }
    }
}

/// A value as ROS sends it; `None` for a type that no parameter here has.
fn value(message: &ParameterValue) -> Option<Value> {
    match message.type_ {
        BOOL => Some(Value::Bool(message.bool_value)),
        INTEGER => Some(Value::Integer(message.integer_value)),
        DOUBLE => Some(Value::Double(message.double_value)),
        STRING => Some(Value::Text(message.string_value.clone())),
        _ => None,
    }
}

fn message(value: Value) -> ParameterValue {
    let mut message = ParameterValue::default();
    let kind = match value {
        Value::Bool(value) => {
            message.bool_value = value;
            BOOL
        }
        Value::Integer(value) => {
            message.integer_value = value;
            INTEGER
        }
        Value::Double(value) => {
            message.double_value = value;
            DOUBLE
        }
        Value::Text(value) => {
            message.string_value = value;
            STRING
        }
    };
    message.type_ = kind;
    message
}

fn descriptor(parameter: &Parameter, settings: &Settings) -> ParameterDescriptor {
    let value = settings.value(parameter);
    let mut descriptor = ParameterDescriptor {
        name: parameter.name.to_owned(),
        description: parameter.description.to_owned(),
        read_only: parameter.read_only,
        ..Default::default()
    };
    match (parameter.range, &value) {
        (Some((from, to)), Value::Integer(_)) => {
            let (from_value, to_value) = (from as i64, to as i64);
            descriptor.integer_range = vec![IntegerRange { from_value, to_value, step: 1 }];
        }
        (Some((from_value, to_value)), _) => {
            let step = 0.0;
            descriptor.floating_point_range =
                vec![FloatingPointRange { from_value, to_value, step }];
        }
        (None, _) => {}
    }
    descriptor.type_ = message(value).type_;
    descriptor
}

fn result(outcome: Result<(), SettingError>) -> SetParametersResult {
    let successful = outcome.is_ok();
    let reason = outcome.err().map(|error| error.to_string()).unwrap_or_default();
    SetParametersResult { successful, reason }
}

const BOOL: u8 = ParameterType::PARAMETER_BOOL as u8;
const INTEGER: u8 = ParameterType::PARAMETER_INTEGER as u8;
const DOUBLE: u8 = ParameterType::PARAMETER_DOUBLE as u8;
const STRING: u8 = ParameterType::PARAMETER_STRING as u8;
