"""Repositories with files, commits and leaderboards, as the real client sees them, and changes while the Hub runs."""

from pathlib import Path

import pytest
from huggingface_hub import HfApi, ModelCard, RepoFile, RepoFolder, get_token
from huggingface_hub.errors import (
    EntryNotFoundError,
    GatedRepoError,
    HfHubHTTPError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from huggingface_hub.utils import get_session

from pipeline.localhub.repositories import Repositories
from pipeline.localhub.repository import Repository
from pipeline.localhub.server import serve

BENCH = "org/bench"


def entry(rank, model, **more):
    return {
        "rank": rank, "modelId": model, "value": 50.0 - rank, "filename": ".eval_results/bench.yaml", "verified": False,
        "author": {"name": "somebody", "fullname": "Some Body", "avatarUrl": "", "type": "user"},
    } | more  # fmt: skip


def bench():
    first = Repository.new(
        BENCH,
        {"README.md": b"# bench\n", "data/a/one.json": b"[1]", "data/two.json": b"[2]"},
        title="first",
        date="2026-01-01T00:00:00.000Z",
        leaderboard=[entry(2, "org/derived"), entry(1, "org/base", notes="with tools", pullRequest=3)],
        tags=["benchmark:official", "language:en"],
        cardData={"license": "mit"},
    )
    return first.commit({"data/two.json": b"[2, 2]"}, title="second", date="2026-01-02T00:00:00.000Z")


def models():
    results = [{"filename": ".eval_results/b.yaml", "data": {"dataset": {"id": BENCH, "task_id": "t"}, "value": 20.9}}]
    return Repositories.of(
        Repository.new("org/base", evalResults=results, cardData={"license": "mit"}),
        Repository.new("org/derived", tags=["base_model:org/base", "base_model:finetune:org/base"]),
        Repository.new("gpt2", {"config.json": b"{}", "weights/model.bin": b"\0" * 10}),
    )


@pytest.fixture
def hub():
    with serve(models(), datasets=Repositories.of(bench(), Repository.new("squad", downloads=7))) as running:
        yield running


@pytest.fixture
def api(hub):
    return HfApi(endpoint=hub.url)


def status(url, **query):
    return get_session().get(url, params=query).status_code


def test_datasets_are_listed_with_filter_author_search_and_sort(api):
    assert [found.id for found in api.list_datasets(benchmark="official")] == [BENCH]
    assert [found.id for found in api.list_datasets(author="org")] == [BENCH]
    assert [found.id for found in api.list_datasets(search="SQU")] == ["squad"]
    assert [found.id for found in api.list_datasets(sort="downloads")] == ["squad", BENCH]
    (found,) = api.list_datasets(language="en", full=True)
    assert (found.card_data["license"], found.sha) == ("mit", bench().commits[0].sha)
    assert {sibling.rfilename for sibling in found.siblings} == {"README.md", "data/a/one.json", "data/two.json"}


def test_a_dataset_states_its_files_at_each_revision(api):
    newest, oldest = bench().commits
    info = api.dataset_info(BENCH, files_metadata=True)
    assert (info.sha, info.last_modified.day) == (newest.sha, 2)
    assert {file.rfilename: file.size for file in info.siblings}["data/two.json"] == 6
    assert api.dataset_info(BENCH, revision=oldest.sha).sha == oldest.sha
    assert api.dataset_info(BENCH, expand=["tags"]).tags == ["benchmark:official", "language:en"]
    with pytest.raises(RevisionNotFoundError):
        api.dataset_info(BENCH, revision="no-such-branch")


def test_evaluation_results_are_listed_on_demand(api):
    (result,) = next(iter(api.list_models(search="base", expand=["evalResults"]))).eval_results
    assert (result.dataset_id, result.value) == (BENCH, 20.9)
    assert api.model_info("org/base", expand=["evalResults"]).eval_results == [result]


def test_a_tree_is_listed_by_folder_or_whole(api):
    shallow = list(api.list_repo_tree(BENCH, repo_type="dataset"))
    assert [(type(found), found.path) for found in shallow] == [(RepoFile, "README.md"), (RepoFolder, "data")]
    deep = [found.path for found in api.list_repo_tree(BENCH, repo_type="dataset", recursive=True)]
    assert deep == ["README.md", "data", "data/a", "data/a/one.json", "data/two.json"]
    assert [found.path for found in api.list_repo_tree("gpt2", "weights")] == ["weights/model.bin"]
    with pytest.raises(EntryNotFoundError):
        list(api.list_repo_tree(BENCH, "no/such", repo_type="dataset"))


def test_a_long_tree_comes_in_pages():
    files = {f"records/{number:04d}.json": b"{}" for number in range(2500)}
    with serve(Repositories(), datasets=Repositories.of(Repository.new("org/many", files))) as hub:
        tree = HfApi(endpoint=hub.url).list_repo_tree("org/many", repo_type="dataset", recursive=True)
        assert len({found.path for found in tree}) == 2501
        assert hub.requests["tree"] == 3


def test_paths_know_their_last_commit(api):
    newest, oldest = bench().commits
    asked = ["README.md", "data", "data/two.json", "missing.txt"]
    told = api.get_paths_info(BENCH, asked, expand=True, repo_type="dataset")
    assert {found.path: found.last_commit.oid for found in told} == {
        "README.md": oldest.sha,
        "data": newest.sha,
        "data/two.json": newest.sha,
    }
    assert told[0].last_commit.title == "first"
    assert api.get_paths_info(BENCH, "data", repo_type="dataset")[0].last_commit is None


def test_branches_and_commits(api):
    newest, oldest = bench().commits
    refs = api.list_repo_refs(BENCH, repo_type="dataset", include_pull_requests=True)
    assert [(ref.name, ref.target_commit) for ref in refs.branches] == [("main", newest.sha)]
    assert refs.pull_requests == []
    told = api.list_repo_commits(BENCH, repo_type="dataset", formatted=True)
    assert [(commit.commit_id, commit.title) for commit in told] == [(newest.sha, "second"), (oldest.sha, "first")]
    assert [commit.title for commit in api.list_repo_commits(BENCH, repo_type="dataset", revision=oldest.sha)] == [
        "first"
    ]


def test_a_leaderboard_is_sorted_by_rank_and_leaves_derived_models_out_unless_asked(api):
    (top,) = api.get_dataset_leaderboard(BENCH)
    assert (top.rank, top.model_id, top.value, top.notes, top.pull_request) == (1, "org/base", 49.0, "with tools", 3)
    everyone = api.get_dataset_leaderboard(BENCH, base_model_only=False)
    assert [found.model_id for found in everyone] == ["org/base", "org/derived"]
    with pytest.raises(HfHubHTTPError, match="has no leaderboard"):
        api.get_dataset_leaderboard("squad")


def test_files_are_downloaded_at_a_revision_and_cached_by_the_client(api, hub, tmp_path):
    for commit, content in zip(bench().commits, ["[2, 2]", "[2]"], strict=True):
        path = api.hf_hub_download(
            BENCH, "data/two.json", repo_type="dataset", revision=commit.sha, cache_dir=tmp_path / commit.sha
        )
        assert Path(path).read_text() == content
    folder = api.snapshot_download(BENCH, repo_type="dataset", local_dir=tmp_path / "all")
    assert api.verify_repo_checksums(BENCH, repo_type="dataset", local_dir=folder).checked_count == 3
    with pytest.raises(RevisionNotFoundError):
        api.hf_hub_download(BENCH, "README.md", repo_type="dataset", revision="nothing", cache_dir=tmp_path)
    with pytest.raises(EntryNotFoundError):
        api.hf_hub_download("gpt2", "data/two.json", cache_dir=tmp_path)


def test_a_file_states_its_commit_its_tag_and_its_length(hub):
    told = get_session().head(f"{hub.url}/gpt2/resolve/main/weights/model.bin").headers
    assert (told["content-length"], told["accept-ranges"]) == ("10", "bytes")
    assert told["x-repo-commit"] == hub.models.get("gpt2").commits[0].sha
    assert told["etag"] == f'"{hub.models.get("gpt2").commits[0].files["weights/model.bin"].oid}"'
    missing = get_session().get(f"{hub.url}/gpt2/resolve/main/nothing.bin")
    assert (missing.status_code, missing.headers["x-error-code"]) == (404, "EntryNotFound")
    assert missing.headers["x-repo-commit"] == told["x-repo-commit"]


def test_a_part_of_a_file_on_disk(tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "letters.txt").write_bytes(b"abcdefgh" * 300_000)
    with serve(Repositories(), datasets=Repositories.of(Repository.new("org/folder", tmp_path))) as hub:
        url = f"{hub.url}/datasets/org/folder/resolve/main/sub/letters.txt"
        assert get_session().get(url).content == b"abcdefgh" * 300_000
        for asked, told, content in [
            ("bytes=2-4", "bytes 2-4/2400000", b"cde"),
            ("bytes=-3", "bytes 2399997-2399999/2400000", b"fgh"),
            ("bytes=2399999-", "bytes 2399999-2399999/2400000", b"h"),
        ]:
            part = get_session().get(url, headers={"Range": asked})
            assert (part.status_code, part.headers["content-range"], part.content) == (206, told, content)
        beyond = get_session().get(url, headers={"Range": "bytes=2400000-"})
        assert (beyond.status_code, beyond.headers["content-range"]) == (416, "bytes */2400000")
        assert get_session().get(url, headers={"Range": "lines=1-2"}).status_code == 200


def test_a_gated_repository_keeps_its_files_but_not_its_card(hub, api, tmp_path):
    hub.models.put(hub.models.get("gpt2").changed(gated="manual"))
    with pytest.raises(GatedRepoError):
        api.hf_hub_download("gpt2", "config.json", cache_dir=tmp_path, token=False)
    assert api.model_info("gpt2").gated == "manual"


def test_a_commit_made_while_the_hub_runs_is_seen_at_once(hub, api, tmp_path):
    before = api.model_info("org/base")
    hub.models.put(hub.models.get("org/base").commit({"README.md": b"---\nlicense: apache-2.0\n---\n", "a.txt": b"a"}))
    after = api.model_info("org/base")
    assert before.sha != after.sha
    assert after.last_modified > before.last_modified
    assert [file.rfilename for file in after.siblings] == ["README.md", "a.txt"]
    path = api.hf_hub_download("org/base", "README.md", cache_dir=tmp_path)
    assert ModelCard.load(path).data.license == "apache-2.0"
    hub.models.put(hub.models.get("org/base").commit({"a.txt": None}))
    assert not api.file_exists("org/base", "a.txt")
    assert api.file_exists("org/base", "a.txt", revision=after.sha)


def test_a_deleted_repository_answers_401_and_leaves_the_lists(hub, api):
    hub.models.delete("org/base")
    with pytest.raises(RepositoryNotFoundError):
        api.model_info("org/base")
    assert status(f"{hub.url}/api/models/org/base") == status(f"{hub.url}/org/base/resolve/main/README.md") == 401
    assert {found.id for found in api.list_models()} == {"org/derived", "gpt2"}
    with pytest.raises(KeyError):
        hub.models.delete("org/base")
    hub.models.put(Repository.new("org/base"))
    assert api.model_info("org/base").id == "org/base"


def test_a_renamed_repository_redirects_every_route_until_its_old_name_is_taken_again(hub, api, tmp_path):
    hub.datasets.rename(BENCH, "org/interim")
    hub.datasets.rename("org/interim", "other/bench")
    assert api.dataset_info(BENCH).id == "other/bench"
    assert len(api.get_dataset_leaderboard(BENCH, base_model_only=False)) == 2
    assert len(api.get_paths_info(BENCH, ["README.md"], repo_type="dataset")) == 1
    assert api.hf_hub_download(BENCH, "README.md", repo_type="dataset", cache_dir=tmp_path)
    answer = get_session().get(f"{hub.url}/api/datasets/{BENCH}?expand=tags", follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (307, "/api/datasets/other/bench?expand=tags")
    hub.datasets.put(Repository.new(BENCH))
    assert api.dataset_info(BENCH).id == BENCH


def test_only_a_token_has_a_name(api, hub):
    assert get_token() is None
    assert status(f"{hub.url}/api/whoami-v2") == 401
    assert api.whoami(token="hf_anything")["name"] == "local"  # noqa: S106


@pytest.mark.parametrize(
    "path",
    ["", "nothing", "api", "api/spaces", "api/models/gpt2/leaderboard/x", "api/models/gpt2/tree", "gpt2/blob/main/a",
     "datasets/squad", "api/datasets/squad/parquet/default"],
)  # fmt: skip
def test_what_the_hub_does_not_know_is_never_an_error_of_its_own(hub, path):
    assert status(f"{hub.url}/{path}") in {401, 404}


def test_other_methods_and_odd_cursors_are_refused(hub):
    assert get_session().put(f"{hub.url}/api/models/gpt2").status_code == 404
    assert get_session().get(f"{hub.url}/api/models/gpt2/paths-info/main").status_code == 404
    assert status(f"{hub.url}/api/models", cursor="%%%") == status(f"{hub.url}/api/models", limit="many") == 400
    assert status(f"{hub.url}/api/models", sort="beauty") == 400
