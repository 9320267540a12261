//! The Lambda function `erasure`: wiring only.

use lambda_runtime::{LambdaEvent, run, service_fn};
use shared::{app::App, base::telemetry};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    telemetry::init();
    let app = App::connect()?;
    run(service_fn(|event: LambdaEvent<erasure::Input>| erasure::handle(&app, event))).await
}
