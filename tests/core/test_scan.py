"""Finding plugins in the metadata of installed distributions, however broken that is."""

from __future__ import annotations

import importlib.metadata
import os
import socket
import sys
import tempfile
import zipfile
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cleo_core.plugins import EntryPoint, installed, load_plugins, scan
from cleo_core.plugins.negotiate import check_requirements
from cleo_core.plugins.record import Plugin, PluginError
from cleo_core.plugins.scan import MAX_BYTES, distribution_headers, normalized, split_requirement

posix_only = pytest.mark.skipif(os.name != "posix", reason="POSIX modes and files")

METADATA = "Metadata-Version: 2.1\nName: cleo-x\nVersion: 1.2\nRequires-Dist: cleo-core>=0.1\n\n"


def install(
    root: Path,
    folder: str = "cleo_x-1.2.dist-info",
    entry_points: str | bytes | None = "[cleo.plugins]\nx = cleo_x.plugin\n",
    metadata: str | bytes | None = METADATA,
    metadata_name: str = "METADATA",
) -> Path:
    info = root / folder
    info.mkdir(parents=True)
    for name, content in (("entry_points.txt", entry_points), (metadata_name, metadata)):
        if content is not None:
            data = content.encode() if isinstance(content, str) else content
            (info / name).write_bytes(data)
    return info


def as_tuples(found: list[EntryPoint]) -> list[tuple[str, str, str, str]]:
    return [(entry.name, entry.value, entry.distribution, entry.version) for entry in found]


def test_a_plugin_is_found_with_what_its_distribution_says(tmp_path: Path) -> None:
    info = install(tmp_path)
    (entry,) = scan([str(tmp_path)])
    assert as_tuples([entry]) == [("x", "cleo_x.plugin", "cleo-x", "1.2")]
    assert entry.requires_core == ("cleo-core>=0.1",)
    assert entry.location == str(info)


def test_only_our_group_counts(tmp_path: Path) -> None:
    install(
        tmp_path,
        entry_points="x = outside\n[console_scripts]\nx = a:b\n[cleo.plugins]\n# y = comment\n"
        "x = cleo_x.plugin\r\n\n  z =  cleo_x.second  \nno equals sign\n= no_name\nno_value =\n"
        "x = cleo_x.plugin\n[cleo.plugins.more]\nq = cleo_x.q\n[cleo.plugins]\nr=cleo_x.r\n",
    )
    assert [(entry.name, entry.value) for entry in scan([str(tmp_path)])] == [
        ("x", "cleo_x.plugin"),
        ("z", "cleo_x.second"),
        ("r", "cleo_x.r"),
    ]


@pytest.mark.parametrize(
    ("folder", "name", "version"),
    [
        ("cleo_x-1.2.dist-info", "cleo_x", "1.2"),
        ("cleo_x-1.2-py3.11.egg-info", "cleo_x", "1.2-py3.11"),
        ("cleo_x.egg-info", "cleo_x", ""),
    ],
)
def test_without_metadata_the_directory_gives_name_and_version(
    tmp_path: Path, folder: str, name: str, version: str
) -> None:
    install(tmp_path, folder, metadata=None)
    assert as_tuples(scan([str(tmp_path)])) == [("x", "cleo_x.plugin", name, version)]


def test_an_egg_info_keeps_its_metadata_elsewhere(tmp_path: Path) -> None:
    metadata = "Name: cleo-x\nVersion: 3\n\n"
    info = install(tmp_path, "cleo_x.egg-info", metadata=metadata, metadata_name="PKG-INFO")
    (info / "requires.txt").write_text("click\ncleo_core>=0.1\n\n[extra]\ncleo-core>=9\n")
    (entry,) = scan([str(tmp_path)])
    assert (entry.version, entry.requires_core) == ("3", ("cleo_core>=0.1",))


def test_headers_end_with_the_first_blank_line(tmp_path: Path) -> None:
    install(
        tmp_path,
        metadata="name: cleo-x\nVERSION: 1\nLicense: first line\n  Version: 9\n\nVersion: 8\n"
        "Requires-Dist: cleo-core>=9\n",
    )
    (entry,) = scan([str(tmp_path)])
    assert (entry.version, entry.requires_core) == ("1", ())


@pytest.mark.parametrize("name", ["x; rm -rf /", "-x", "x.", "", "n\u00e4me", "$(reboot)"])
def test_a_name_that_no_distribution_can_have_is_not_believed(tmp_path: Path, name: str) -> None:
    install(tmp_path, metadata=f"Name: {name}\nVersion: 1\x1b[31m\n\n")
    assert as_tuples(scan([str(tmp_path)])) == [("x", "cleo_x.plugin", "cleo_x", "1.2")]


def test_the_first_distribution_of_a_name_is_the_installed_one(tmp_path: Path) -> None:
    install(tmp_path / "a", "Cleo.X-2.0.dist-info", metadata=METADATA.replace("1.2", "2.0"))
    install(tmp_path / "b")
    install(tmp_path / "c", "cleo_y-1.dist-info", metadata=METADATA.replace("cleo-x", "cleo-y"))
    path = [str(tmp_path / name) for name in "abc"]
    assert [entry.version for entry in scan(path)] == ["2.0", "1.2"]
    assert [entry.distribution for entry in scan(path)] == ["cleo-x", "cleo-y"]
    assert [entry.version for entry in scan(path[::-1])] == ["1.2", "1.2"]


def test_a_distribution_without_plugins_hides_a_later_one_of_its_name(tmp_path: Path) -> None:
    install(tmp_path / "a", "cleo_x-2.0.dist-info", entry_points=None)
    install(tmp_path / "b")
    assert scan([str(tmp_path / "a"), str(tmp_path / "b")]) == []


def test_what_an_interrupted_uninstallation_left_is_passed_over(tmp_path: Path) -> None:
    install(tmp_path, "~leo_x-1.0.dist-info")
    install(tmp_path)
    assert [entry.version for entry in scan([str(tmp_path)])] == ["1.2"]


def test_the_working_directory_counts_where_the_path_is_empty(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(tmp_path)
    monkeypatch.chdir(tmp_path)
    assert len(scan([""])) == 1


def test_a_path_may_hold_anything(tmp_path: Path) -> None:
    install(tmp_path)
    archive = tmp_path / "archive.zip"
    with zipfile.ZipFile(archive, "w") as made:
        made.writestr("cleo_z-1.dist-info/entry_points.txt", "[cleo.plugins]\nz = z\n")
    odd = [str(tmp_path / "absent"), str(archive), "nul\0byte", b"bytes", None, tmp_path]
    assert len(scan([*odd, str(tmp_path)])) == 1  # type: ignore[list-item]


@posix_only
def test_unreadable_and_special_files_count_as_empty(tmp_path: Path) -> None:
    install(tmp_path)
    (install(tmp_path, "cleo_dir-1.dist-info", entry_points=None) / "entry_points.txt").mkdir()
    os.mkfifo(install(tmp_path, "cleo_pipe-1.dist-info", entry_points=None) / "entry_points.txt")
    loop = install(tmp_path, "cleo_loop-1.dist-info", entry_points=None) / "entry_points.txt"
    loop.symlink_to(loop)
    locked = install(tmp_path, "cleo_locked-1.dist-info")
    (locked / "entry_points.txt").chmod(0)
    (tmp_path / "cleo_file-1.egg-info").write_text("Name: file\n")
    holder = install(tmp_path, "cleo_socket-1.dist-info", entry_points=None)
    with socket.socket(socket.AF_UNIX) as unix, pytest.MonkeyPatch.context() as patch:
        patch.chdir(holder)
        unix.bind("entry_points.txt")
        found = {entry.distribution for entry in scan([str(tmp_path)])}
    assert found == {"cleo-x"}


def test_of_a_huge_file_only_the_beginning_is_read(tmp_path: Path) -> None:
    filler = b"# nothing\n" * (MAX_BYTES // 10 + 1)
    first = b"[cleo.plugins]\nx = first\n"
    install(tmp_path, entry_points=first + filler + b"y = too_far\n")
    install(tmp_path, "late-1.dist-info", entry_points=filler + b"[cleo.plugins]\nz = late\n")
    assert [entry.value for entry in scan([str(tmp_path)])] == ["first"]


def test_bytes_that_are_no_text_spoil_only_their_line(tmp_path: Path) -> None:
    install(
        tmp_path,
        entry_points=b"[cleo.plugins]\n\xff\xfe = \x80\nx = cleo_x.plugin\n",
        metadata=METADATA.encode().replace(b"\n\n", b"\nSummary: \xff\xfe\nVersion: 1.3\n\n"),
    )
    found = {entry.name: entry for entry in scan([str(tmp_path)])}
    assert found["x"].version == "1.3"
    plugins = load_plugins({}, entry_points=found.values())
    assert {plugin.reason for plugin in plugins.quarantined} == {"bad-spec", "not-importable"}


def test_the_scan_finds_what_the_libraries_find() -> None:
    standard = [
        (entry.name, entry.value, normalized(entry.dist.name), entry.dist.version)
        for entry in importlib.metadata.entry_points(group="cleo.plugins")
        if entry.dist is not None
    ]
    ours = [
        (name, value, normalized(distribution), version)
        for name, value, distribution, version in as_tuples(scan())
    ]
    assert sorted(ours) == sorted(standard)
    assert sorted(as_tuples(scan())) == sorted(as_tuples(installed()))


def test_the_scan_finds_what_the_libraries_find_among_old_and_new_layouts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    layouts = {
        "one": "cleo_a-1.dist-info",
        "two": "cleo_b.egg-info",
        "three": "Cleo.C-3-py3.11.egg-info",
        "four": "cleo__d-4.dist-info",
    }
    for name, folder in layouts.items():
        distribution = folder.partition("-")[0].removesuffix(".egg-info")
        for directory in ("first", "second"):
            install(
                tmp_path / directory,
                folder,
                f"[cleo.plugins]\n{name} = module.{directory}\n[other]\nx = y\n",
                f"Name: {distribution}\nVersion: 1\nRequires-Dist: cleo-core>=0.1\n"
                "Requires-Dist: click\n\n",
                "METADATA" if folder.endswith("dist-info") else "PKG-INFO",
            )
    monkeypatch.setattr(sys, "path", [str(tmp_path / "first"), str(tmp_path / "second")])
    ours, theirs = scan(), installed()
    assert sorted(as_tuples(ours)) == sorted(as_tuples(theirs))
    assert len(ours) == len(layouts)
    assert {entry.requires_core for entry in (*ours, *theirs)} == {("cleo-core>=0.1",)}


def test_the_scan_reads_every_distribution_as_the_library_does() -> None:
    for distribution in importlib.metadata.distributions():
        name = distribution.metadata["Name"]
        headers = distribution_headers(name)
        assert [value for key, value in headers if key == "version"] == [distribution.version]
        requires = [value for key, value in headers if key == "requires-dist"]
        assert requires == (distribution.requires or [])


@given(
    entry_points=st.one_of(st.binary(), st.text(st.sampled_from("[]cleo.plugins=\n\r #x\0é:-_"))),
    metadata=st.one_of(
        st.binary(), st.text(st.sampled_from("NameVersionRequires-Dist: cleo-core>=1,;\n \t\0é"))
    ),
)
@example(entry_points="[cleo.plugins]\nx=\n", metadata="Name:\nVersion\n: \n")
@example(entry_points="[cleo.plugins]\nx=y", metadata="Requires-Dist: cleo-core\n")
def test_garbage_is_survived(entry_points: str | bytes, metadata: str | bytes) -> None:
    if isinstance(entry_points, bytes):
        entry_points = b"[cleo.plugins]\nx = cleo_x.plugin\n" + entry_points
    with tempfile.TemporaryDirectory() as directory:
        install(Path(directory), entry_points=entry_points, metadata=metadata)
        found = scan([directory])
    warnings: list[str] = []
    plugins = load_plugins(
        {}, warn=lambda code, message: warnings.append(message), entry_points=found
    )
    assert plugins.loaded == ()
    assert len(plugins.quarantined) == len(found)
    for plugin in plugins.quarantined:
        assert plugin.line.isprintable()
        assert plugin.fix.isprintable()


@given(st.text())
def test_any_requirement_is_met_refused_or_called_broken(requirement: str) -> None:
    entry = EntryPoint("x", "no_such_module_anywhere", "x", "1", (f"cleo-core{requirement}",))
    (plugin,) = load_plugins({}, entry_points=[entry]).quarantined
    assert plugin.reason in ("needs-other-core", "bad-spec", "not-importable")
    assert plugin.line.isprintable()


NUMBERS = st.integers(0, 30)
VERSIONS = st.lists(NUMBERS, min_size=1, max_size=4).map(lambda parts: ".".join(map(str, parts)))


@given(st.sampled_from([">=", "<=", ">", "<", "==", "!="]), VERSIONS, VERSIONS)
def test_plain_comparisons_agree_with_packaging(operator: str, wanted: str, have: str) -> None:
    from packaging.specifiers import SpecifierSet

    plugin = Plugin(EntryPoint("x", "x", "x", "1", (f"cleo-core {operator} {wanted}",)))
    try:
        check_requirements(plugin, have)
        met = True
    except PluginError:
        met = False
    assert met == SpecifierSet(f"{operator}{wanted}").contains(have, prereleases=True)


@pytest.mark.parametrize(
    ("line", "name", "rest"),
    [
        ("cleo-core>=1", "cleo-core", ">=1"),
        ("Cleo_Core (>=1)", "cleo-core", "(>=1)"),
        ("cleo-core[brain]~=1.0", "cleo-core", "[brain]~=1.0"),
        ("cleo-core-extra", "cleo-core-extra", ""),
        ("", "", ""),
    ],
)
def test_a_requirement_is_a_name_and_a_rest(line: str, name: str, rest: str) -> None:
    assert split_requirement(line) == (name, rest)


def test_headers_of_a_distribution_that_is_not_there() -> None:
    assert distribution_headers("no-such-distribution-anywhere") == []
