//! The Lambda function `check`: wiring only.

use lambda_runtime::{LambdaEvent, run, service_fn};
use shared::{app::App, base::telemetry};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    telemetry::init();
    let app = App::connect()?;
    run(service_fn(|event: LambdaEvent<check::Input>| check::handle(&app, event))).await
}
