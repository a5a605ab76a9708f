//! What the bridge publishes and which services it calls.

use std::{
    future::Future,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures::{
    FutureExt,
    future::{BoxFuture, Shared},
};
use r2r::{
    Client, Publisher, QosProfile, WrappedServiceTypeSupport, WrappedTypesupport,
    geometry_msgs::msg::{Twist, TwistStamped},
    oht50_bridge::msg::SafetyState,
    rcl_interfaces::{
        msg::{Parameter, SetParametersResult},
        srv::SetParameters,
    },
    std_msgs::msg::{Bool, Header},
    std_srvs::srv::{Empty, Trigger},
};

use super::{
    RosError, RosTime, convert, display::Display, doze::Doze, failed, graph::Others,
    keepers::Keepers, qos,
};
use crate::{
    config::{Config, Value},
    lidar::Picture,
    robot::{
        CallError, Outputs, PublishError, Service, Told, ZoneOutline,
        topics::{self, NamedService, Topic},
    },
    safety::{SafeVelocity, Summary, facts::Graph},
    telemetry::vitals::Vitals,
};

/// The robot port's outputs on a ROS graph.
pub(super) struct RosOutputs {
    drive: Drive,
    others: Others,
    doze: Arc<Doze>,
    emergency_stop: Sender<Bool>,
    safety: Sender<SafetyState>,
    display: Display,
    keepers: Keepers,
    time: RosTime,
    base_frame: String,
    dock: Caller<Trigger::Service>,
    undock: Caller<Trigger::Service>,
    cancel_docking: Caller<Trigger::Service>,
    start_motor: Caller<Empty::Service>,
    stop_motor: Caller<Empty::Service>,
    lidar_parameters: Caller<SetParameters::Service>,
    lidar_frequency_parameter: String,
}

impl RosOutputs {
    /// Advertises every output.
    pub(super) fn create(
        node: &mut r2r::Node,
        config: &Config,
        others: Others,
        doze: Arc<Doze>,
        time: &RosTime,
    ) -> Result<RosOutputs, RosError> {
        let display = Display::create(node, config, time)?;
        let keepers = Keepers::create(node, config.robot_id, time)?;
        let config = &config.ros;
        let drive = if config.cmd_vel_stamped {
            Drive::Stamped {
                sender: Sender::create(node, topics::CMD_VEL)?,
                time: time.clone(),
                frame_id: config.base_frame.clone(),
            }
        } else {
            Drive::Plain(Sender::create(node, topics::CMD_VEL)?)
        };
        Ok(RosOutputs {
            drive,
            others,
            doze,
            emergency_stop: Sender::create(node, topics::EMERGENCY_STOP)?,
            safety: Sender::create(node, topics::SAFETY)?,
            display,
            keepers,
            time: time.clone(),
            base_frame: config.base_frame.clone(),
            dock: Caller::of(node, topics::DOCK)?,
            undock: Caller::of(node, topics::UNDOCK)?,
            cancel_docking: Caller::of(node, topics::CANCEL_DOCKING)?,
            start_motor: Caller::of(node, topics::START_MOTOR)?,
            stop_motor: Caller::of(node, topics::STOP_MOTOR)?,
            lidar_parameters: Caller::create(
                node,
                format!("{}/set_parameters", config.lidar_node),
            )?,
            lidar_frequency_parameter: config.lidar_frequency_parameter.clone(),
        })
    }
}

impl Outputs for RosOutputs {
    fn drive(&self, velocity: SafeVelocity) -> Result<(), PublishError> {
        self.drive.publish(convert::twist(velocity.linear(), velocity.angular()))
    }

    fn graph(&self) -> Graph {
        let drive_present = match &self.drive {
            Drive::Plain(sender) => sender.has_listeners(),
            Drive::Stamped { sender, .. } => sender.has_listeners(),
        };
        let (cmd_vel_shared, scan_shared) = (self.others.on_cmd_vel(), self.others.on_scan());
        Graph { drive_present, cmd_vel_shared, scan_shared }
    }

    fn may_doze(&self, quiet: bool) {
        self.doze.allow(quiet);
    }

    fn is_watched(&self, told: Told) -> bool {
        match told {
            Told::Safety => self.safety.has_listeners(),
            Told::Picture => self.display.shows_scans(),
            Told::Outline => self.display.shows_outlines(),
            Told::Diagnostics => self.keepers.are_asked(),
        }
    }

    fn emergency_stop(&self, active: bool) -> Result<(), PublishError> {
        self.emergency_stop.publish(&Bool { data: active })
    }

    fn safety(&self, summary: &Summary, holder: Option<&str>) -> Result<(), PublishError> {
        // It comes again with one of the next decisions to whoever begins to listen.
        if !self.safety.has_listeners() {
            return Ok(());
        }
        let stamp = self.time.now().map_err(|error| self.safety.failed(&error))?;
        let header = Header { stamp, frame_id: self.base_frame.clone() };
        self.safety.publish(&convert::safety_state(summary, holder, header))
    }

    fn show(&self, picture: &Picture, zones: &[ZoneOutline]) -> Result<(), PublishError> {
        self.display.show(picture, zones)
    }

    fn outline(&self, zones: &[ZoneOutline]) -> Result<(), PublishError> {
        self.display.outline(zones)
    }

    fn diagnostics(&self, vitals: &Vitals) -> Result<(), PublishError> {
        self.keepers.diagnostics(vitals)
    }

    fn status(&self, vitals: &Vitals) -> Result<(), PublishError> {
        self.keepers.status(vitals)
    }

    fn offers(&self, service: Service) -> BoxFuture<'static, bool> {
        match service {
            Service::Dock => self.dock.available().boxed(),
            Service::Undock => self.undock.available().boxed(),
            Service::CancelDocking => self.cancel_docking.available().boxed(),
            Service::StartMotor => self.start_motor.available().boxed(),
            Service::StopMotor => self.stop_motor.available().boxed(),
            Service::SetFrequency(_) => self.lidar_parameters.available().boxed(),
        }
    }

    fn call(&self, service: Service) -> BoxFuture<'static, Result<String, CallError>> {
        match service {
            Service::Dock => self.dock.call(Trigger::Request {}, trigger_answer),
            Service::Undock => self.undock.call(Trigger::Request {}, trigger_answer),
            Service::CancelDocking => self.cancel_docking.call(Trigger::Request {}, trigger_answer),
            Service::StartMotor => self.start_motor.call(Empty::Request {}, |_| Ok(String::new())),
            Service::StopMotor => self.stop_motor.call(Empty::Request {}, |_| Ok(String::new())),
            Service::SetFrequency(frequency) => {
                let name = self.lidar_frequency_parameter.clone();
                let value = convert::value_message(&Value::Double(frequency));
                let request =
                    SetParameters::Request { parameters: vec![Parameter { name, value }] };
                self.lidar_parameters.call(request, |answer| set_answer(answer.results))
            }
        }
    }
}

/// The publisher on `cmd_vel`, in the form that the drive understands.
enum Drive {
    Plain(Sender<Twist>),
    Stamped {
        sender: Sender<TwistStamped>,
        /// Follows `/clock` under `use_sim_time`.
        time: RosTime,
        frame_id: String,
    },
}

impl Drive {
    fn publish(&self, twist: Twist) -> Result<(), PublishError> {
        match self {
            Drive::Plain(sender) => sender.publish(&twist),
            Drive::Stamped { sender, time, frame_id } => {
                let stamp = time.now().map_err(|error| sender.failed(&error))?;
                let header = Header { stamp, frame_id: frame_id.clone() };
                sender.publish(&TwistStamped { header, twist })
            }
        }
    }
}

/// A publisher that threads share.
pub(super) struct Sender<M: WrappedTypesupport> {
    topic: Topic,
    publisher: Mutex<Publisher<M>>,
}

impl<M: WrappedTypesupport + 'static> Sender<M> {
    pub(super) fn create(node: &mut r2r::Node, topic: Topic) -> Result<Sender<M>, RosError> {
        Sender::create_as(node, topic.name, topic)
    }

    /// The same for a topic whose name is configured.
    pub(super) fn create_as(
        node: &mut r2r::Node,
        name: &str,
        topic: Topic,
    ) -> Result<Sender<M>, RosError> {
        let publisher = node.create_publisher(name, qos::profile(topic));
        Ok(Sender {
            topic,
            publisher: Mutex::new(publisher.map_err(failed("advertising a topic"))?),
        })
    }

    pub(super) fn publish(&self, message: &M) -> Result<(), PublishError> {
        lock(&self.publisher).publish(message).map_err(|error| self.failed(&error))
    }

    pub(super) fn has_listeners(&self) -> bool {
        lock(&self.publisher).get_inter_process_subscription_count().is_ok_and(|count| count > 0)
    }

    pub(super) fn failed(&self, error: &r2r::Error) -> PublishError {
        PublishError::Failed { topic: self.topic.name, cause: error.to_string() }
    }
}

/// A service client that does not wait for a service that is not there.
struct Caller<S: WrappedServiceTypeSupport> {
    name: String,
    client: Arc<Client<S>>,
    /// The question that r2r still keeps: it keeps each until the service appears, so there must be one at most.
    question: Mutex<Option<Question>>,
}

/// Ends when the service appears; false if that will never be known.
type Question = Shared<BoxFuture<'static, bool>>;

impl<S: WrappedServiceTypeSupport + 'static> Caller<S>
where
    S::Request: Send + 'static,
    S::Response: Send + 'static,
{
    fn of(node: &mut r2r::Node, service: NamedService) -> Result<Caller<S>, RosError> {
        Caller::create(node, service.name.to_owned())
    }

    fn create(node: &mut r2r::Node, name: String) -> Result<Caller<S>, RosError> {
        let client = node.create_client::<S>(&name, QosProfile::services_default());
        let client = Arc::new(client.map_err(failed("making a service client"))?);
        Ok(Caller { name, client, question: Mutex::new(None) })
    }

    fn call(
        &self,
        request: S::Request,
        answer: impl FnOnce(S::Response) -> Result<String, CallError> + Send + 'static,
    ) -> BoxFuture<'static, Result<String, CallError>> {
        let available = self.available();
        let client = self.client.clone();
        let name = self.name.clone();
        async move {
            if !available.await {
                return Err(CallError::Unavailable(name));
            }
            let response = client.request(&request);
            // The request has left; it need not stay for as long as the answer takes.
            drop(request);
            let lost = |error: r2r::Error| CallError::Failed(format!("service {name}: {error}"));
            answer(response.map_err(&lost)?.await.map_err(&lost)?)
        }
        .boxed()
    }

    /// Whether anybody offers the service; known within [`AVAILABLE_WITHIN`].
    fn available(&self) -> impl Future<Output = bool> + Send + use<S> {
        let mut kept = lock(&self.question);
        let pending = kept.take().filter(|question| question.clone().now_or_never().is_none());
        let question = pending.unwrap_or_else(|| match r2r::Node::is_available(&*self.client) {
            Ok(question) => question.map(|known| known.is_ok()).boxed().shared(),
            Err(_) => futures::future::ready(false).boxed().shared(),
        });
        *kept = Some(question.clone());
        async move { tokio::time::timeout(AVAILABLE_WITHIN, question).await.unwrap_or(false) }
    }
}

fn trigger_answer(answer: Trigger::Response) -> Result<String, CallError> {
    if answer.success { Ok(answer.message) } else { Err(CallError::Failed(answer.message)) }
}

fn set_answer(results: Vec<SetParametersResult>) -> Result<String, CallError> {
    match results.into_iter().next() {
        Some(result) if result.successful => Ok(result.reason),
        Some(result) => Err(CallError::Failed(result.reason)),
        None => Err(CallError::Failed("the LiDAR driver did not say whether it obeyed".to_owned())),
    }
}

/// A panic elsewhere must not silence the robot port: a poisoned lock is used as it is.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How long a service may take to show up; leaves room for the thread's own rhythm within the promised 200 ms.
const AVAILABLE_WITHIN: Duration = Duration::from_millis(150);
