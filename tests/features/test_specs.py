"""Feature extractors are listed without PyTorch, and their distances carry the right names."""

from __future__ import annotations

import subprocess
import sys

import pytest

from l4f_bench.assets import EMBEDDED, embedded_path
from l4f_bench.features.specs import EXTRACTORS, INCEPTION, PARSER, distance_names, usual_weights
from l4f_bench.provenance import sha256_of
from l4f_bench.registry import load_object
from l4f_bench.weights import WEIGHTS


@pytest.mark.parametrize("name", EXTRACTORS.names())
def test_every_entry_names_a_loader_and_known_weights(name: str) -> None:
    spec = EXTRACTORS.get(name)
    assert callable(load_object(spec.load, name))
    assert spec.weights in {*EMBEDDED, *WEIGHTS.names()}


def test_no_two_distances_have_one_name() -> None:
    names = [name for spec in EXTRACTORS for name in (spec.frechet, spec.kernel)]
    assert len(set(names)) == len(names)


def test_names_are_listed_without_torch() -> None:
    code = (
        "import sys\n"
        "from l4f_bench.features.specs import EXTRACTORS\n"
        "print('inception' in EXTRACTORS.names(), 'torch' in sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout == "True False\n"


def test_only_published_weights_give_fid() -> None:
    assert distance_names("inception", usual_weights=True) == ("FID", "KID")
    assert distance_names("annotator", usual_weights=True) == ("FD (shapes)", "KD (shapes)")
    for name in ("inception", "annotator", "unheard-of"):
        named = distance_names(name, usual_weights=False)
        assert named == (f"FD ({name}, other weights)", f"KD ({name}, other weights)")
    assert distance_names("unheard-of", usual_weights=True)[0] == "FD (unheard-of)"


def test_usual_weights_are_known_by_their_digest() -> None:
    published = "6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2"
    embedded = sha256_of(embedded_path("shapes-annotator"))
    assert usual_weights(INCEPTION.name, published)
    assert usual_weights(PARSER.name, embedded)
    assert not usual_weights(INCEPTION.name, embedded)
    assert not usual_weights(PARSER.name, published)
    assert usual_weights(INCEPTION.name, None)
    assert usual_weights("unheard-of", published)
