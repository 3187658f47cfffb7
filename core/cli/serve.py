"""The command that makes a web service of a model."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import click

from core.inference.sandbox import load_model


def add_to(cli: click.Group) -> None:
    """Makes this command one of `cli`."""
    cli.add_command(serve)


@click.command()
@click.argument("model")
@click.option("--port", type=click.IntRange(0, 65535), default=8100, show_default=True, help="0: any that is free.")
def serve(model: str, port: int) -> None:
    """Answer over HTTP what is on pictures, with MODEL: a run folder, an exported zip, one from Teachable Machine, or a
    .tflite with fieldguide.json beside it.

    Only programs on this computer can ask. Ctrl-C ends it.
    """
    from core.inference import http_service as service  # the web server's modules, which no other command needs

    classifier = load_model(model)
    taken = service.listen(port)
    address = f"http://{service.HOST}:{taken.getsockname()[1]}"
    with suppress(KeyboardInterrupt):
        click.echo(f"Answering at {address} until Ctrl-C. Try: {service.example(address)}")
        service.serve(service.make_app(classifier, Path(model).name), taken)
    click.echo("Ended.")
