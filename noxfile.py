"""The checks that the desk and CI share, ``nox -s lint types tests build``, and the shapes world.

``nox -s shapes`` makes the embedded weights and the records of them anew, into the package and
``reports/shapes``; that takes hours on two CPU cores, mostly for PSeg and the generator.
Trainings that ``runs/shapes`` holds are gone on with, so remove it to begin from the start.
``nox -s docs`` builds the site of the documentation into ``build/site``.
``nox -s release`` is what a release must pass.
``nox -s detectron2`` compares our Mask R-CNN with the original's code. ``nox -s lowest newest``
runs the fast tests on the lowest versions that pyproject.toml allows, and on the newest there are.
"""

import shlex
import shutil
import tarfile
import tomllib
from pathlib import Path

import nox
from packaging.requirements import Requirement

SHAPES, ASSETS = Path("reports/shapes"), Path("l4f_bench/assets/shapes")
PSEG = Path("baselines/l4f_bench_baselines/pseg/assets/shapes.safetensors")
SEEDS = (0, 1, 2)  # of the alpha network; the first is embedded
PARTS = (
    *("generator", "annotator", "judge", "alpha", "student", "unet_student", "encoder", "pseg"),
    "records",
)
STUDENTS = ("ours-psp", "ours-unet", "ours-bisenet")  # of Table 4
FLOORS = ("border-mean", "border-colour", "centre-disc")

# detectron2 0.5 as somebody else uploaded it: its Python code whole, its compiled code left out.
DETECTRON2 = "detectron2-cdo==0.5"
DETECTRON2_SHA256 = "53c9e79e9cc943e80419c588ea44b5479507a8628ed14a4e06bd093e29311b18"
DETECTRON2_NEEDS = ("fvcore", "hydra-core", "matplotlib", "omegaconf", "pycocotools", "tabulate")

nox.options.sessions = ["lint", "types", "tests"]
nox.options.reuse_existing_virtualenvs = True


@nox.session
def lint(session: nox.Session) -> None:
    """Check style and formatting."""
    session.install("ruff>=0.8")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")


@nox.session
def types(session: nox.Session) -> None:
    """Check types."""
    session.install("-e", ".[dev]")
    session.run("mypy")


@nox.session
def tests(session: nox.Session) -> None:
    """Run the fast tests, or those that the arguments name."""
    session.install("-e", ".[test]")
    session.run("pytest", *session.posargs)


@nox.session
def slow(session: nox.Session) -> None:
    """Run the slow tests."""
    session.install("-e", ".[test]")
    session.run("pytest", "-m", "slow", "-n", "2", "--dist", "loadfile", *session.posargs)


@nox.session
def lowest(session: nox.Session) -> None:
    """Run the fast tests on the lowest versions of what pyproject.toml names."""
    constraints = Path(session.create_tmp()).resolve() / "lowest.txt"
    constraints.write_text("".join(f"{line}\n" for line in _lowest()), encoding="utf-8")
    session.install("-e", ".[test]", "-c", str(constraints))
    # Old packages use what the newer ones below them have deprecated.
    session.run("pytest", "-W", "default", *session.posargs)


@nox.session
def newest(session: nox.Session) -> None:
    """Run the fast tests on the newest versions there are."""
    session.install("--upgrade", "--upgrade-strategy", "eager", "-e", ".[test]")
    session.run("pytest", *session.posargs)


@nox.session
def detectron2(session: nox.Session) -> None:
    """Compare our Mask R-CNN with detectron2's own code: its masks, then its speed."""
    session.install("-e", ".[test]", "setuptools", "wheel", "opencv-python-headless")
    session.install(*DETECTRON2_NEEDS)
    environment = {"PYTHONPATH": str(_detectron2(session))}
    chosen = ("tests/annotators", "-k", "detectron2", "-m", "")
    session.run("pytest", "-rs", *chosen, env=environment)
    session.run("python", "benchmarks/annotate.py", *session.posargs, env=environment)


@nox.session
def build(session: nox.Session) -> None:
    """Build the distribution files."""
    session.install("build")
    session.run("python", "-m", "build", "--outdir", session.create_tmp())


@nox.session(reuse_venv=False)
def release(session: nox.Session) -> None:
    """What a release must pass: the wheel alone, the README's commands, lowest and newest."""
    folder = Path(session.create_tmp()).resolve()
    shutil.rmtree(folder / "dist", ignore_errors=True)
    session.install("build")
    session.run("python", "-m", "build", "--outdir", str(folder / "dist"))
    (wheel,) = (folder / "dist").glob("*.whl")
    session.install(f"{wheel}[editing,plots]")
    away = folder / "away"  # where the checkout cannot be imported instead
    shutil.rmtree(away, ignore_errors=True)
    shutil.copytree("examples", away / "examples")
    shutil.copytree("l4f_bench/assets/example", away / "example")
    readme = Path("README.md").read_text(encoding="utf-8")
    with session.chdir(away):
        session.run("l4f-bench", "score", "example/preds", "example/truth")
        for command in _without_downloads(readme):
            session.run(*command)
    for name in ("lowest", "newest", "docs"):
        session.notify(name)


@nox.session
def docs(session: nox.Session) -> None:
    """Build the documentation as a site, into ``build/site``; a broken link fails."""
    session.install("mkdocs-material>=9.5", "mkdocstrings[python]>=0.26")
    # The pages, as they are read in the repository, also point to reports and examples beside them.
    gathered = Path(session.create_tmp()).resolve() / "docs"
    shutil.rmtree(gathered, ignore_errors=True)
    shutil.copytree("docs", gathered)
    for page in gathered.glob("*.md"):
        text = page.read_text(encoding="utf-8")
        page.write_text(text.replace("](../", "]("), encoding="utf-8")
    for beside in ("reports", "examples"):
        shutil.copytree(beside, gathered / beside)
    environment = {"L4F_DOCS": str(gathered), "NO_MKDOCS_2_WARNING": "1"}
    session.run("mkdocs", "build", "--strict", "--site-dir", "build/site", env=environment)


@nox.session
def shapes_generator(session: nox.Session) -> None:
    """Train the embedded generator and its discriminator: two and a half hours."""
    _train(session, "generator", "--method", "stylegan2")
    _embed(session, "generator/generator-and-discriminator", ASSETS / "generator.safetensors")


@nox.session
def shapes_annotator(session: nox.Session) -> None:
    """Train the embedded annotator on exact masks: a quarter of an hour."""
    _train(session, "annotator", "--method", "bisenet")
    _embed(session, "annotator/annotator", ASSETS / "annotator.safetensors")


@nox.session
def shapes_judge(session: nox.Session) -> None:
    """Train the annotators' second judge, a U-Net of another seed, on exact masks: four minutes."""
    _train(session, "judge", "--method", "unet", "--seed", "1")
    _embed(session, "judge/annotator", ASSETS / "judge.safetensors")


@nox.session
def shapes_alpha(session: nox.Session) -> None:
    """Train the alpha network on the embedded generator, three seeds: two to seven minutes each."""
    for seed in SEEDS:
        _train(session, f"alpha-seed-{seed}", "--seed", str(seed))
    _embed(session, f"alpha-seed-{SEEDS[0]}/alpha", ASSETS / "alpha.safetensors")


@nox.session
def shapes_student(session: nox.Session) -> None:
    """Train the embedded student on samples of ours: half an hour."""
    _train(session, "student", "--method", "ours-bisenet")
    _embed(session, "student/student", ASSETS / "student.safetensors")


@nox.session
def shapes_unet_student(session: nox.Session) -> None:
    """Train the embedded U-Net student on samples of ours: four minutes."""
    _train(session, "unet-student", "--method", "ours-unet")
    _embed(session, "unet-student/student", ASSETS / "unet-student.safetensors")


@nox.session
def shapes_encoder(session: nox.Session) -> None:
    """Train an encoder on the embedded generator's samples and the world's images: an hour."""
    _train(session, "encoder", "--method", "psp")
    _embed(session, "encoder/encoder", ASSETS / "encoder.safetensors")


@nox.session
def shapes_pseg(session: nox.Session) -> None:
    """Train the embedded PSeg: several hours on one core."""
    _train(session, "pseg", "--method", "pseg")
    _embed(session, "pseg/pseg", PSEG)


@nox.session
def shapes_records(session: nox.Session) -> None:
    """Evaluate what the sessions above made: one minute a seed, and the tables."""
    session.install("-e", ".[editing,plots]")
    for seed in SEEDS:
        alpha = Path("runs/shapes", f"alpha-seed-{seed}", "alpha.safetensors")
        _evaluate(session, f"seed-{seed}", "samples", "--alpha", str(alpha))
    for method, name, threshold in (
        ("pseg", "pseg", "0.9"),
        ("pseg", "pseg-threshold-0.5", "0.5"),
        ("ours", "seed-0-threshold-0.5", "0.5"),
    ):
        out = _evaluate(session, name, "samples", "--method", method, "--threshold", threshold)
        shutil.rmtree(out / "bisenet-images")  # the seeds have it already
    _evaluate(session, "judge-on-samples", "samples", "--segmenter", "unet")
    _evaluate(session, "judge-on-images", "images", "--method", "unet")
    _evaluate(session, "seed-0-by-the-judge", "samples", "--annotator", "unet")
    for method in STUDENTS:
        _evaluate(session, f"{method}-on-images", "images", "--method", method)
    for floor in FLOORS:
        _evaluate(session, f"{floor}-on-samples", "samples", "--segmenter", floor)
        _evaluate(session, f"{floor}-on-images", "images", "--method", floor)
    for method in ("real", "stylegan2", "pseg"):
        _evaluate(session, f"quality-{method}", "quality", "--method", method)
    _evaluate(session, "trust", "trust")
    edits = SHAPES / "records" / "editing"
    shutil.rmtree(edits, ignore_errors=True)
    session.run("l4f-bench", "edit", "measure", "--out", str(edits))
    (edits / "samples.jsonl").unlink()  # the record has them
    session.run("python", "benchmarks/world_sheet.py", "--out", str(SHAPES / "world.png"))
    tables = ("report", str(SHAPES / "records"), "--plots", "--out", str(SHAPES))
    session.run("l4f-bench", *tables)


@nox.session
def shapes_page(session: nox.Session) -> None:
    """Take screenshots of the records' page and tables; needs an installed Chromium."""
    session.install("-e", ".[browser]")
    shots = ("benchmarks/screenshots.py", str(SHAPES / "records"), "--out", str(SHAPES / "page"))
    session.run("python", *shots)


@nox.session
def shapes_ladder(session: nox.Session) -> None:
    """Measure how hard a world the generator can paint: hours on one core."""
    session.install("-e", ".")
    session.run("python", "benchmarks/ladder.py", "--runs", "runs/ladder", "--out", str(SHAPES))


@nox.session
def shapes_ablation(session: nox.Session) -> None:
    """Change one choice of the paper at a time on the embedded world: two hours on one core."""
    session.install("-e", ".")
    options = ("--runs", "runs/ablation", "--out", str(SHAPES), *session.posargs)
    session.run("python", "benchmarks/ablation.py", *options)


@nox.session
def shapes(session: nox.Session) -> None:
    """Do all of the shapes world, in order."""
    for name in PARTS:
        session.notify(f"shapes_{name}")


def _without_downloads(readme: str) -> list[list[str]]:
    """The commands of the README that need nothing but the package and its examples."""
    theirs = {"fetch", "--data", "--generator", "--encoder", "--check", "--install-completion"}
    lines = [line for line in readme.splitlines() if line.startswith("l4f-bench ")]
    commands = [shlex.split(line, comments=True) for line in lines]
    whole = ["l4f-bench", "reproduce"]  # ten minutes
    return [words for words in commands if theirs.isdisjoint(words) and words != whole]


def _lowest() -> list[str]:
    """A pin for every lower bound of the dependencies, with those of the extras."""
    project = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    lines = [*project["dependencies"], *(line for name in extras for line in extras[name])]
    needs = [Requirement(line) for line in lines]
    return [f"{need.name}=={bound.version}" for need in needs for bound in need.specifier]


def _detectron2(session: nox.Session) -> Path:
    """A folder to import detectron2 from, made to run on today's Pillow and without a compiler."""
    folder = Path(session.create_tmp()).resolve()
    wanted = folder / "wanted.txt"
    wanted.write_text(f"{DETECTRON2} --hash=sha256:{DETECTRON2_SHA256}\n", encoding="utf-8")
    options = ("--no-deps", "--no-build-isolation", "--dest", str(folder))
    session.install("pip<24")  # later ones refuse what it says it depends on
    session.run("pip", "download", "--require-hashes", "-r", str(wanted), *options)
    (archive,) = folder.glob("*.tar.gz")
    with tarfile.open(archive) as content:
        content.extractall(folder, filter="data")
    (package,) = folder.glob("*/detectron2")
    # Imported everywhere, but only called for rotated boxes, deformable convolutions and scores.
    (package / "_C.py").write_text("", encoding="utf-8")
    (package.parent / "sitecustomize.py").write_text(
        "from PIL import Image\n\nImage.LINEAR = Image.BILINEAR  # its name up to Pillow 9\n",
        encoding="utf-8",
    )
    return package.parent


def _evaluate(session: nox.Session, name: str, setting: str, *options: str) -> Path:
    """Put a record in the place of an earlier one; returns its folder."""
    out = SHAPES / "records" / name
    shutil.rmtree(out, ignore_errors=True)
    session.run("l4f-bench", "eval", setting, *options, "--out", str(out))
    return out


def _train(session: nox.Session, name: str, *options: str) -> None:
    """Train into ``runs/shapes``, and keep what is worth keeping; a stopped session goes on."""
    session.install("-e", ".[plots]")
    run, report = Path("runs/shapes", name), SHAPES / name
    resume = ["--resume"] if (run / "config.json").exists() else []
    session.run("l4f-bench", "train", *options, "--out", str(run), *resume)
    report.mkdir(parents=True, exist_ok=True)
    session.run("l4f-bench", "curves", str(run / "log.jsonl"), "--out", str(report / "curves.png"))
    for kept in ("config.json", "log.jsonl"):
        shutil.copy(run / kept, report)
    shutil.copy(max((run / "grids").iterdir()), report / "grid.png")


def _embed(session: nox.Session, trained: str, asset: Path) -> None:
    """Put a trained network into the package, in half precision."""
    file = Path("runs/shapes", f"{trained}.safetensors")
    session.run("python", "-m", "l4f_bench.assets.embed", str(file), str(asset))
