//! Battery and motor temperature: slow quantities that give telemetry something true to tell.

/// The battery as its management system tells it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Battery {
    /// Charge, 0 to 1.
    pub fraction: f64,
    /// Whether the dock charges it; false when full.
    pub charging: bool,
    /// V
    pub voltage: f64,
    /// A; negative while discharging.
    pub current: f64,
}

/// Battery and motor.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PowerConfig {
    /// Charge at the start, 0 to 1.
    pub fraction: f64,
    /// Share of the capacity that an hour at rest costs.
    pub drain_per_hour: f64,
    /// Share of the capacity that a metre costs.
    pub drain_per_metre: f64,
    /// Share of the capacity that an hour in the dock gives.
    pub charge_per_hour: f64,
    /// Temperature of a motor at rest, degrees Celsius.
    pub ambient: f64,
    /// How much warmer a motor becomes at 1 m/s, K.
    pub rise_at_1_m_s: f64,
    /// Time constant of warming and cooling, s.
    pub thermal_time: f64,
}

#[derive(Debug, Clone)]
pub(super) struct Power {
    config: PowerConfig,
    battery: Battery,
    temperature: f64,
}

impl Power {
    pub(super) fn new(config: PowerConfig) -> Power {
        let fraction = config.fraction.clamp(0.0, 1.0);
        let battery =
            Battery { fraction, charging: false, voltage: voltage(fraction), current: 0.0 };
        Power { config, battery, temperature: config.ambient }
    }

    /// `dt` seconds at `speed` m/s of the wheels.
    pub(super) fn tick(&mut self, dt: f64, speed: f64, docked: bool) {
        let config = &self.config;
        let mut rate = -config.drain_per_hour / 3600.0 - config.drain_per_metre * speed;
        if docked {
            rate += config.charge_per_hour / 3600.0;
        }
        let fraction = (self.battery.fraction + rate * dt).clamp(0.0, 1.0);
        self.battery = Battery {
            fraction,
            charging: docked && fraction < 1.0,
            voltage: voltage(fraction),
            current: if fraction == self.battery.fraction { 0.0 } else { rate * 3600.0 * CAPACITY },
        };
        let settled = config.ambient + config.rise_at_1_m_s * speed;
        self.temperature += (settled - self.temperature) * (dt / config.thermal_time).min(1.0);
    }

    pub(super) fn battery(&self) -> Battery {
        self.battery
    }

    /// Degrees Celsius.
    pub(super) fn temperature(&self) -> f64 {
        self.temperature
    }
}

/// Eight lithium iron phosphate cells, close enough to a straight line.
fn voltage(fraction: f64) -> f64 {
    24.0 + 3.2 * fraction
}

/// Ah
const CAPACITY: f64 = 50.0;

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIG: PowerConfig = PowerConfig {
        fraction: 0.5,
        drain_per_hour: 0.1,
        drain_per_metre: 0.0001,
        charge_per_hour: 1.1,
        ambient: 20.0,
        rise_at_1_m_s: 25.0,
        thermal_time: 300.0,
    };

    /// The charge and temperature after some minutes.
    fn after(minutes: u32, speed: f64, docked: bool) -> Power {
        let mut power = Power::new(CONFIG);
        for _ in 0..minutes * 600 {
            power.tick(0.1, speed, docked);
        }
        power
    }

    #[test]
    fn the_battery_drains_with_time_and_motion_and_charges_in_the_dock() {
        let check = |minutes, speed, docked, fraction: f64, charging| {
            let battery = after(minutes, speed, docked).battery();
            assert!((battery.fraction - fraction).abs() < 1e-6, "{battery:?}");
            assert_eq!(battery.charging, charging, "{battery:?}");
            assert!((24.0..=27.2).contains(&battery.voltage), "{battery:?}");
        };
        check(60, 0.0, false, 0.4, false);
        check(60, 0.5, false, 0.22, false);
        check(600, 0.5, false, 0.0, false);
        check(15, 0.0, true, 0.75, true);
        check(60, 0.0, true, 1.0, false);
    }

    #[test]
    fn the_motor_warms_with_motion_and_settles() {
        for (minutes, speed, expected) in [(60, 0.0, 20.0), (5, 1.0, 35.8), (60, 1.0, 45.0)] {
            let temperature = after(minutes, speed, false).temperature();
            assert!((temperature - expected).abs() < 0.1, "{temperature}");
        }
    }
}
