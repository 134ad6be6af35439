"""The bundled world: catalogue, law pack and instance files a newcomer runs. `PATH` is where they are installed."""

from pathlib import Path

PATH = Path(__file__).parent
