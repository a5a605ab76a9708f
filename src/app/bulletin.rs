//! Tells the rest of the robot how the bridge is: `/diagnostics` and `~/status`.

use std::{sync::Arc, time::Duration};

use tokio::time::sleep;

use crate::{
    clock::Clock,
    hub::Pace,
    robot::{Outputs, PublishError, Told},
    telemetry::vitals::{Checkup, Level, Vitals},
};

/// Once a second, and diagnostics on a change of a part's level too, to whoever listens. Runs for ever; a return is a fault.
pub async fn run(checkup: Checkup, outputs: Arc<dyn Outputs>, clock: Clock) {
    let (mut pace, mut complaints) = (Pace::default(), Pace::default());
    let mut told = Vec::new();
    loop {
        if !outputs.is_watched(Told::Diagnostics) {
            sleep(clock.until_next(LISTENERS)).await;
            continue;
        }
        let (vitals, now) = (checkup(), clock.now());
        let due = pace.allows(now, PERIOD);
        let outcome = tell(&vitals, due, &mut told, outputs.as_ref());
        // Nobody's motion hangs on it: the bridge goes on.
        if let Err(error) = outcome
            && complaints.allows(now, COMPLAINTS)
        {
            tracing::warn!(%error, "how the bridge is");
        }
        sleep(clock.until_next(LOOK)).await;
    }
}

fn tell(
    vitals: &Vitals,
    due: bool,
    told: &mut Vec<Level>,
    outputs: &dyn Outputs,
) -> Result<(), PublishError> {
    let levels: Vec<_> = vitals.parts.iter().map(|part| part.level).collect();
    if due || levels != *told {
        *told = levels;
        outputs.diagnostics(vitals)?;
    }
    if due { outputs.status(vitals) } else { Ok(()) }
}

/// How soon a change of a level is noticed,
const LOOK: Duration = Duration::from_millis(200);

/// and how soon somebody who begins to listen.
const LISTENERS: Duration = Duration::from_secs(1);

const PERIOD: Duration = Duration::from_secs(1);

/// What goes wrong again and again is told this often.
const COMPLAINTS: Duration = Duration::from_secs(10);
