//! An echo behind the bridge's own door, plain and with TLS, for `run.py` beside it. Needs the feature `conformance`.
//!
//! `echo FOLDER` writes its certificate to FOLDER/certificate.pem, prints the two ports, and ends with its input.

use std::{env, error::Error, fs, io::Read, path::PathBuf};

use oht50_bridge::{
    clock::Clock,
    config::TlsFiles,
    server::{TlsIdentity, conformance::echo_server},
};
use tokio::sync::watch;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    #[allow(clippy::disallowed_methods)] // the one argument of a test's own program
    let folder = PathBuf::from(env::args_os().nth(1).ok_or("echo FOLDER")?);
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
    let files = TlsFiles {
        certificate: folder.join("certificate.pem"),
        key: folder.join("key.pem"),
        client_ca: None,
    };
    fs::write(&files.certificate, made.cert.pem())?;
    fs::write(&files.key, made.signing_key.serialize_pem())?;
    let (_stopping, stop) = watch::channel(false);
    let mut ports = Vec::new();
    for tls in [None, Some(TlsIdentity::load(&files, Clock::system().unix())?)] {
        let server = echo_server(tls)?;
        let listening = server.listen(server.address()).await?;
        ports.push(listening.local_addr()?.port().to_string());
        tokio::spawn(listening.run(stop.clone()));
    }
    println!("{}", ports.join(" "));
    tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new())).await??;
    Ok(())
}
