"""Embedders: ours, those of plugins, which one is taken, and what is refused of what they give."""

from __future__ import annotations

import json
import math
import runpy
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cleo_brain.api import OURS, EmbedderSpec
from cleo_brain.embed import choosing, model
from cleo_brain.embed.wordllama import FEW, Wordllama
from cleo_core.app import App
from cleo_core.errors import CleoError

_plugin = runpy.run_path(str(Path(__file__).with_name("hashed_words.py")))
Open = Callable[..., App]

TEXTS = [
    "The parser drops comments after a comma",
    "parser PARSER pärser",
    "日本語のテキスト",
    "x",
    "\n",
    "🙂 emoji and\ttabs",
    "word " * 3000,
    *(f"entry {n} says that step {n * 7} of the build needs {n % 5} retries" for n in range(60)),
]


def cosine(one: bytes, other: bytes) -> float:
    a, b = (struct.unpack(f"<{len(v) // 4}f", v) for v in (one, other))
    return sum(x * y for x, y in zip(a, b, strict=True)) / (math.hypot(*a) * math.hypot(*b))


class TestOurs:
    def test_few_texts_and_many_texts_give_the_same_vectors(self) -> None:
        embedder = Wordllama()
        few = [vector for text in TEXTS for vector in embedder.embed([text])]
        many = embedder.embed(TEXTS)
        assert len(TEXTS) > FEW
        for one, other in zip(few, many, strict=True):
            assert one is not None
            assert other is not None
            assert cosine(one, other) >= 0.9999

    def test_vectors_are_what_the_weights_say(self) -> None:
        import numpy
        from safetensors.numpy import load_file

        embedder = Wordllama()
        (table,) = load_file(embedder._weights_file).values()
        ids = embedder._tokenizer.encode(TEXTS[0], add_special_tokens=False).ids
        shares = numpy.array([1 / (max(t - 258, 1) + 2.7) for t in range(32_000)])
        weights = 0.001 / (0.001 + shares / shares.sum())
        wanted = (table[ids].astype(float) * weights[ids][:, None]).sum(axis=0)
        (found,) = embedder.embed([TEXTS[0]])
        assert found is not None
        assert cosine(found, wanted.astype("<f4").tobytes()) >= 0.99999

    def test_a_text_without_tokens_has_no_vector_and_only_512_tokens_count(self) -> None:
        embedder = Wordllama()
        empty, long, longer = embedder.embed(["", "word " * 600, "word " * 600 + "zebra"])
        assert empty is None
        assert long == longer
        assert embedder.embed([]) == []
        assert embedder.embed(["", *TEXTS])[0] is None

    def test_words_of_like_meaning_are_nearer_than_others(self) -> None:
        cat, kitten, tax = Wordllama().embed(["a cat", "a small kitten", "income tax law"])
        assert cat is not None
        assert kitten is not None
        assert tax is not None
        assert cosine(cat, kitten) > cosine(cat, tax) + 0.2

    def test_up_to_32_texts_need_neither_numpy_nor_the_network_nor_the_package(self) -> None:
        program = (
            "import socket, sys\n"
            "def refuse(*a, **k): raise AssertionError('a socket')\n"
            "socket.socket.connect = refuse\n"
            "from cleo_brain.embed import model\n"
            "from cleo_brain.api import OURS\n"
            "done = model.embed(OURS, ['text %d' % n for n in range(32)])\n"
            "assert all(done.vectors) and not done.failed\n"
            "print([m for m in ('numpy', 'wordllama', 'safetensors') if m in sys.modules])\n"
        )
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
        assert done.stdout.strip() == "[]", done.stderr


class TestChoosing:
    def test_ours_is_taken_where_nothing_else_is_offered(self, cleo_app: App) -> None:
        assert choosing.chosen(cleo_app) is not None
        assert choosing.chosen(cleo_app).model_id == OURS.model_id  # type: ignore[union-attr]

    @pytest.mark.parametrize(("order", "first"), [(50, _plugin["MODEL"]), (200, OURS.model_id)])
    def test_the_lowest_order_wins(
        self, cleo_open: Open, tmp_path: Path, monkeypatch: Any, order: int, first: str
    ) -> None:
        _plugin["install"](tmp_path / "plugin", monkeypatch, order)
        app = cleo_open()
        found = choosing.chosen(app)
        assert found is not None
        assert found.model_id == first
        assert {spec.model_id for spec in choosing.offered(app)} == {
            OURS.model_id,
            _plugin["MODEL"],
        }

    def test_what_is_not_installed_is_passed_over(self, cleo_app: App, monkeypatch: Any) -> None:
        lacking = EmbedderSpec("a/b", 64, "a:b", order=1, requires=("no_such_module_at_all",))
        specs = [lacking, OURS]
        monkeypatch.setattr(choosing, "offered", lambda app: specs)
        assert choosing.chosen(cleo_app) is OURS
        specs[:] = [lacking]
        assert choosing.chosen(cleo_app) is None
        with pytest.raises(CleoError) as refused:
            choosing.required(cleo_app)
        assert refused.value.code == "E_EXTRA_MISSING"
        assert refused.value.exit == 5
        assert refused.value.fix == "pip install 'cleo-brain[wordllama]'"

    @pytest.mark.parametrize("name", ["no.such.parent", "sys.path.x", "..", "json"])
    def test_odd_names_of_modules_are_answered(self, name: str) -> None:
        assert choosing.can_run(EmbedderSpec("a", 64, "a:b", requires=(name,))) is (name == "json")

    @pytest.mark.parametrize("mode", ["hook", "dims"])
    def test_a_plugin_that_fails_costs_only_its_own_embedders(
        self, cleo_open: Open, tmp_path: Path, monkeypatch: Any, mode: str
    ) -> None:
        _plugin["install"](tmp_path / "plugin", monkeypatch)
        monkeypatch.setenv("HASHED_WORDS", mode)
        app = cleo_open()
        found = choosing.chosen(app)
        assert found is not None
        assert found.model_id == OURS.model_id
        assert [warning["code"] for warning in app.warnings] == ["W_EMBEDDER_FAILED"]
        assert "hashed-words" in app.warnings[0]["message"]

    def test_the_setting_names_one_or_none(
        self, cleo_open: Open, cleo_cli: Any, tmp_path: Path, monkeypatch: Any
    ) -> None:
        _plugin["install"](tmp_path / "plugin", monkeypatch)
        assert cleo_cli("config", "set", "brain.embedder", OURS.model_id).code == 0
        named = choosing.chosen(cleo_open())
        assert named is not None
        assert named.model_id == OURS.model_id
        assert cleo_cli("config", "set", "brain.embedder", "none").code == 0
        app = cleo_open()
        assert choosing.chosen(app) is None
        with pytest.raises(CleoError) as refused:
            choosing.required(app)
        assert refused.value.exit == 8
        assert cleo_cli("config", "set", "brain.embedder", "who/knows").code == 0
        app = cleo_open()
        assert choosing.chosen(app) is None
        assert app.warnings[0]["code"] == "W_EMBEDDER_UNKNOWN"


class TestChecks:
    @pytest.mark.guarantee(
        "brain-14",
        "Vectors are compared by their direction alone; one that is broken, of the wrong length "
        "or zero is refused and never stored.",
    )
    def test_only_directions_of_the_right_length_are_taken(self) -> None:
        def packed(*numbers: float) -> bytes:
            return struct.pack("<64f", *(list(numbers) + [0.0] * (64 - len(numbers))))

        unit = packed(0.6, 0.8)
        assert model.checked(unit, 64) == unit
        assert cosine(model.checked(packed(60, 80), 64), unit) == pytest.approx(1)
        assert cosine(model.checked(packed(6e-9, 8e-9), 64), unit) == pytest.approx(1)
        for bad in (
            packed(math.nan, 1),
            packed(math.inf, 1),
            packed(),
            unit[:-4],
            unit + b"\0\0\0\0",
            b"",
            "text",
            None,
            [0.6, 0.8],
        ):
            with pytest.raises(ValueError, match=r"vector|bytes"):
                model.checked(bad, 64)

    @given(st.lists(st.floats(-1, 1, width=32), min_size=64, max_size=64))
    def test_sign_bits_stand_lowest_first(self, numbers: list[float]) -> None:
        code = model.code_of(struct.pack("<64f", *numbers))
        for place, number in enumerate(numbers):
            bit = code[place // 8] >> (place % 8) & 1
            assert bit == (math.copysign(1, number) > 0)

    def test_one_bad_text_costs_no_other_its_vector(
        self, cleo_open: Open, tmp_path: Path, monkeypatch: Any
    ) -> None:
        _plugin["install"](tmp_path / "plugin", monkeypatch)
        spec = choosing.chosen(cleo_open())
        assert spec is not None
        for mode in ("raise", "nan", "short", "zero"):
            monkeypatch.setenv("HASHED_WORDS", mode)
            done = model.embed(spec, ["good one", "spoilt one", "good two"])
            assert [vector is not None for vector in done.vectors] == [True, False, True], mode
            assert list(done.failed) == [1], mode
        monkeypatch.setenv("HASHED_WORDS", "raise")
        with pytest.raises(model.EmbedderError, match="spoilt"):
            model.embed(spec, ["spoilt one", "spoilt two"])

    def test_reembed_names_the_entries_that_failed_and_stores_the_others(
        self, cleo_cli: Any, cleo_project: Path, tmp_path: Path, monkeypatch: Any
    ) -> None:
        _plugin["install"](tmp_path / "plugin", monkeypatch)
        monkeypatch.setenv("HASHED_WORDS", "nan")
        cleo_cli("observe", "a good text")
        bad = cleo_cli("observe", "a spoilt text").data["id"]
        done = cleo_cli("memory", "reembed").data
        assert (done["embedded"], done["current"]) == (1, 1)
        assert [one["id"] for one in done["failed"]] == [bad]
        assert "finite" in done["failed"][0]["error"]
        again = cleo_cli("memory", "reembed").data
        assert (again["embedded"], len(again["failed"])) == (0, 1)
        monkeypatch.setenv("HASHED_WORDS", "")
        assert cleo_cli("memory", "reembed").data["current"] == 2
        assert json.dumps(done)
