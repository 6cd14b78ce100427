from __future__ import annotations

import json
import subprocess
import sys

import pytest


def loaded_after(code: str) -> set[str]:
    """Top-level modules in a fresh process that ran the code."""
    script = f"{code}\nimport json, sys\nprint(json.dumps(sorted({{name.partition('.')[0] for name in sys.modules}})))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout))


@pytest.mark.parametrize(
    "code",
    [
        "import minrlm_nb",
        "import minrlm_nb.models",
        "import minrlm_nb.models.resolve",
        "import minrlm_nb.models.openai_chat",
        "import minrlm_nb.testing; from minrlm_nb.testing import ScriptedModel, ScriptedServer",
    ],
)
def test_importing_brings_neither_the_sdk_nor_the_price_tables(code: str) -> None:
    assert loaded_after(code).isdisjoint({"openai", "httpx", "httpx2", "pydantic", "genai_prices", "xllamacpp"})


def test_the_sdk_comes_with_the_first_model_and_no_price_table_with_a_local_one() -> None:
    code = (
        "from minrlm_nb.models.openai_chat import OpenAIChat\nm = OpenAIChat('m', 'http://localhost:9/v1'); m.close()"
    )
    loaded = loaded_after(code)
    assert "openai" in loaded
    assert "genai_prices" not in loaded


def test_an_adapter_nobody_closes_lets_the_process_end_without_a_word() -> None:
    code = """
from minrlm_nb.core.ports import Cancel
from minrlm_nb.core.records import Message, ModelRequest
from minrlm_nb.models.openai_chat import OpenAIChat
from minrlm_nb.testing import ScriptedServer
server = ScriptedServer(["ok"])
server.start()
model = OpenAIChat("m", server.base_url)
assert model.ask(ModelRequest((Message("user", "?"),)), Cancel()).text == "ok"
"""
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
