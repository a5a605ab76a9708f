//! Where one frame stands in another, by the fixed transforms that a robot tells (REP 105).

use std::collections::BTreeMap;

use nalgebra::{Isometry2, Isometry3, Vector2, Vector3};

/// The fixed transforms of a robot: each frame in its parent.
#[derive(Debug, Default)]
pub struct Transforms {
    parents: BTreeMap<String, (String, Isometry3<f64>)>,
}

/// Why a LiDAR's pose does not follow from the transforms.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum MountError {
    /// No chain of transforms leads there.
    #[error("no fixed transforms lead from {base:?} to {laser:?}; known: {known}")]
    Unknown {
        /// The robot.
        base: String,
        /// The LiDAR.
        laser: String,
        /// Every child and its parent.
        known: String,
    },
    /// A planar pose says nothing of such a LiDAR.
    #[error(
        "{laser:?} is tilted by {degrees:.1} degrees; its z axis must point up, within {MOST_TILT} degrees"
    )]
    Tilted {
        /// The LiDAR.
        laser: String,
        /// Between its z axis and the robot's.
        degrees: f64,
    },
}

impl Transforms {
    /// `child` stands in `parent` like this; the newest counts.
    pub fn insert(&mut self, parent: &str, child: &str, parent_from_child: Isometry3<f64>) {
        self.parents.insert(bare(child), (bare(parent), parent_from_child));
    }

    /// Pose of the LiDAR in the robot's base frame, in the plane.
    pub fn mount(&self, base: &str, laser: &str) -> Result<Isometry2<f64>, MountError> {
        let chain = self.chain(&bare(base), &bare(laser));
        let base_from_laser = chain.ok_or_else(|| MountError::Unknown {
            base: base.to_owned(),
            laser: laser.to_owned(),
            known: self.known(),
        })?;
        let degrees = (base_from_laser * Vector3::z()).angle(&Vector3::z()).to_degrees();
        if degrees > MOST_TILT {
            return Err(MountError::Tilted { laser: laser.to_owned(), degrees });
        }
        let ahead = base_from_laser * Vector3::x();
        let at = base_from_laser.translation.vector;
        Ok(Isometry2::new(Vector2::new(at.x, at.y), ahead.y.atan2(ahead.x)))
    }

    /// From the base up and down again: both frames may hang on a third one, such as `base_footprint`.
    fn chain(&self, base: &str, laser: &str) -> Option<Isometry3<f64>> {
        let of_base = self.ancestors(base);
        let common = |(name, root_from_laser): &(String, Isometry3<f64>)| {
            let (_, root_from_base) = of_base.iter().find(|(ancestor, _)| ancestor == name)?;
            Some(root_from_base.inverse() * root_from_laser)
        };
        self.ancestors(laser).iter().find_map(common)
    }

    /// The frame itself and all above it, each with the frame's pose in it.
    fn ancestors(&self, frame: &str) -> Vec<(String, Isometry3<f64>)> {
        let mut found = vec![(frame.to_owned(), Isometry3::identity())];
        while let Some((name, pose)) = found.last()
            && let Some((parent, parent_from_child)) = self.parents.get(name)
            // Frames that hang on each other have no root.
            && found.len() <= self.parents.len()
        {
            let above = (parent.clone(), parent_from_child * pose);
            found.push(above);
        }
        found
    }

    fn known(&self) -> String {
        let each = |(child, (parent, _)): (&String, &(String, _))| format!("{parent} to {child}");
        match self.parents.iter().map(each).collect::<Vec<_>>() {
            none if none.is_empty() => "none".to_owned(),
            some => some.join(", "),
        }
    }
}

/// tf2 does without the slash that tf put in front.
fn bare(frame: &str) -> String {
    frame.trim_start_matches('/').to_owned()
}

/// Between the z axes of LiDAR and robot, degrees.
const MOST_TILT: f64 = 5.0;

#[cfg(test)]
mod tests {
    use std::f64::consts::{FRAC_PI_2, PI};

    use super::*;

    fn at(x: f64, y: f64, z: f64, turn: Vector3<f64>) -> Isometry3<f64> {
        Isometry3::new(Vector3::new(x, y, z), turn)
    }

    fn check(transforms: &Transforms, base: &str, expected: (f64, f64, f64)) {
        let pose = transforms.mount(base, "laser").unwrap();
        let (x, y, yaw) = expected;
        let off = (pose.translation.vector - Vector2::new(x, y)).norm();
        let turned = pose.rotation.rotation_to(&nalgebra::UnitComplex::new(yaw)).angle();
        assert!(off < 1e-9 && turned.abs() < 1e-9, "{pose} from {base}");
    }

    #[test]
    fn a_chain_is_followed_whichever_way_it_hangs() {
        let mut transforms = Transforms::default();
        transforms.insert("base_footprint", "base_link", at(0.0, 0.0, 0.1, Vector3::zeros()));
        transforms.insert("base_link", "mast", at(0.5, 0.0, 0.2, Vector3::z() * FRAC_PI_2));
        transforms.insert("/mast", "laser", at(0.1, 0.0, 0.3, Vector3::z() * FRAC_PI_2));
        check(&transforms, "base_link", (0.5, 0.1, PI));
        check(&transforms, "/base_footprint", (0.5, 0.1, PI));
        transforms.insert("base_footprint", "trailer", at(-1.0, 0.0, 0.0, Vector3::zeros()));
        check(&transforms, "trailer", (1.5, 0.1, PI));
    }

    #[test]
    fn what_cannot_be_told_is_named() {
        let mut transforms = Transforms::default();
        let error = transforms.mount("base_link", "laser").unwrap_err().to_string();
        assert!(error.ends_with("from \"base_link\" to \"laser\"; known: none"), "{error}");
        transforms.insert("base_link", "camera", Isometry3::identity());
        let error = transforms.mount("base_link", "laser").unwrap_err().to_string();
        assert!(error.ends_with("known: base_link to camera"), "{error}");
        transforms.insert("base_link", "laser", at(0.0, 0.0, 0.0, Vector3::x() * PI));
        let error = transforms.mount("base_link", "laser").unwrap_err().to_string();
        assert!(error.starts_with("\"laser\" is tilted by 180.0 degrees"), "{error}");
        transforms.insert("base_link", "laser", at(0.0, 0.0, 0.0, Vector3::y() * 0.05));
        check(&transforms, "base_link", (0.0, 0.0, 0.0));
    }

    #[test]
    fn frames_that_hang_on_each_other_end_the_search() {
        let mut transforms = Transforms::default();
        transforms.insert("base_link", "laser", at(1.0, 0.0, 0.0, Vector3::zeros()));
        transforms.insert("laser", "base_link", at(1.0, 0.0, 0.0, Vector3::zeros()));
        assert!(transforms.mount("base_link", "laser").is_ok());
        assert!(transforms.mount("map", "laser").is_err());
    }
}
