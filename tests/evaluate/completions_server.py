"""A small model behind OpenAI's protocol of completions, as vLLM and others speak it, with real log-probabilities."""

import os
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse
from starlette.routing import Route

ROOT = Path(__file__).resolve().parents[2]
HOST = "127.0.0.1"
START_SECONDS = 20


class Refused(Exception):
    """A request that cannot be answered: what is wrong with it, and the status that says so."""

    def __init__(self, message, status=400):
        super().__init__(message)
        self.message, self.status = message, status


class Model:
    """A causal model in float32 that always writes its likeliest token."""

    def __init__(self, folder):
        from transformers import AutoModelForCausalLM, AutoTokenizer

        self.tokenizer = AutoTokenizer.from_pretrained(folder)
        self.model = AutoModelForCausalLM.from_pretrained(folder, dtype="float32").eval()

    def complete(self, asked):
        """The answer to a request, one choice a prompt."""
        if asked.get("temperature") or asked.get("stream") or asked.get("n", 1) != 1:
            raise Refused("only one answer at temperature 0 is given, in one piece")
        # One prompt at a time: padding would change the last digits of what a prompt gets alone.
        done = [(prompt, *self._continue(prompt, asked)) for prompt in self._prompts(asked.get("prompt"))]
        choices = [{"index": index, **self._choice(*one, asked)} for index, one in enumerate(done)]
        used, written = (sum(len(one[part]) for one in done) for part in (0, 1))
        usage = {"prompt_tokens": used, "completion_tokens": written, "total_tokens": used + written}
        return {"object": "text_completion", "model": asked["model"], "choices": choices, "usage": usage}

    def _prompts(self, prompt):
        """Token ids of each prompt, in whichever of the four forms they come."""
        if not isinstance(prompt, list) or (prompt and isinstance(prompt[0], int)):
            prompt = [prompt]
        prompts = [self.tokenizer(one).input_ids if isinstance(one, str) else one for one in prompt]
        size = len(self.tokenizer)
        if not prompts or not all(
            isinstance(one, list) and one and all(isinstance(token, int) and 0 <= token < size for token in one)
            for one in prompts
        ):
            raise Refused("prompt is a text, a list of texts, token ids or a list of those, none empty")
        return prompts

    def _continue(self, prompt, asked):
        """What the model writes after a prompt: tokens, text, and why it ended."""
        most, context = asked.get("max_tokens", 16), self.model.config.max_position_embeddings
        if len(prompt) + most > context:
            raise Refused(f"the context is {context} tokens; {len(prompt)} and {most} more were asked for")
        stops = asked.get("stop") or []
        stops = [stops] if isinstance(stops, str) else stops
        written, text = [], ""
        while len(written) < most:
            written.append(int(self._log_probabilities(prompt + written)[-1].argmax()))
            text = self.tokenizer.decode(written, skip_special_tokens=True)
            found = [text.index(stop) for stop in stops if stop in text]
            if found or written[-1] == self.tokenizer.eos_token_id:
                return written, text[: min(found)] if found else text, "stop"
        return written, text, "length"

    def _choice(self, prompt, written, text, reason, asked):
        shown = len(prompt) if asked.get("echo") else 0
        text = self.tokenizer.decode(prompt[:shown]) + text
        first = len(prompt) - shown
        top = asked.get("logprobs")
        logprobs = None if top is None else self._logprobs(prompt + written, first, top)
        return {"text": text, "finish_reason": reason, "logprobs": logprobs}

    def _logprobs(self, tokens, first, top):
        """How likely each token from `first` on was, and the likeliest in its place; nothing is known of the first."""
        names, own, likeliest = self.tokenizer.convert_ids_to_tokens(tokens), [None], [None]
        for token, row in zip(tokens[1:], self._log_probabilities(tokens), strict=False):
            own.append(row[token].item())
            # Named by the vocabulary: the texts of single bytes are not different.
            ids = [*row.topk(top).indices.tolist(), token]
            likeliest.append({self.tokenizer.convert_ids_to_tokens(one): row[one].item() for one in ids})
        return {"tokens": names[first:], "token_logprobs": own[first:], "top_logprobs": likeliest[first:]}

    def _log_probabilities(self, tokens):
        """Of every token of the vocabulary, after each of these."""
        import torch

        with torch.inference_mode():
            return self.model(torch.tensor([tokens])).logits[0].log_softmax(-1)


def completions(model, name, key):
    """The server's application: it knows one model by one name, and wants a key where there is one."""

    def check(request):
        if key and request.headers.get("authorization") != f"Bearer {key}":
            raise Refused("no such key", 401)

    async def models(request):
        check(request)
        return JSONResponse({"object": "list", "data": [{"id": name, "object": "model", "owned_by": "moat"}]})

    async def complete(request):
        check(request)
        try:
            asked = await request.json()
        except ValueError as error:
            raise Refused("the request is no JSON") from error
        if asked.get("model") != name:
            raise Refused(f"the model {asked.get('model')} does not exist", 404)
        return JSONResponse(await run_in_threadpool(model.complete, asked))

    async def refuse(_, error):
        return JSONResponse({"error": {"message": error.message, "code": error.status}}, error.status)

    routes = [Route("/v1/models", models), Route("/v1/completions", complete, methods=["POST"])]
    return Starlette(routes=routes, exception_handlers={Refused: refuse})


@contextmanager
def listening(app):
    """Any application on a free port of loopback for the block; gives its address."""
    with socket.create_server((HOST, 0)) as listener:
        server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off", timeout_graceful_shutdown=5))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name="completions", daemon=True)
        thread.start()
        try:
            end = time.monotonic() + START_SECONDS
            while not server.started:
                assert time.monotonic() < end, "the server did not start"
                time.sleep(0.01)
            yield f"http://{HOST}:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


@contextmanager
def serving(folder, name="model", key=""):
    """Serve the completions of the model in a folder for the block; gives the server's address.

    It runs under the interpreter of the workers, which has what models are run with.
    """
    from pipeline.settings import Settings

    command = [Settings().worker_python, __file__, str(folder), name, key]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    running = subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        yield running.stdout.readline().strip()
    finally:
        # It serves until its input ends.
        running.communicate(timeout=20)


if __name__ == "__main__":
    with listening(completions(Model(sys.argv[1]), *sys.argv[2:])) as url:
        print(url, flush=True)  # noqa: T201 - whoever started it reads this
        sys.stdin.read()
