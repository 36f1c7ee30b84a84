"""https://github.com/anthropics/anthropic-sdk-python."""

import json

import anthropic

from stage import ANTHROPIC, KEY, MODEL, PIXEL, REFUSED, SCHEMA, SEEN, left, raises, said, tried

CLASSES = {
    400: anthropic.BadRequestError,
    403: anthropic.PermissionDeniedError,
    404: anthropic.NotFoundError,
    429: anthropic.RateLimitError,
    500: anthropic.InternalServerError,
}


def client(**options):
    return anthropic.Anthropic(api_key=KEY, base_url=ANTHROPIC, **options)


class Messages:
    package, dialect = "anthropic", "Messages"

    def create(self, text, model=MODEL, client=client(), **more):
        messages = [{"role": "user", "content": text}]
        return client.messages.create(model=model, max_tokens=100, messages=messages, **more)

    def stream(self):
        messages = [{"role": "user", "content": "one two three"}]
        with client().messages.stream(model=MODEL, max_tokens=100, messages=messages) as stream:
            parts = list(stream.text_stream)
            usage = stream.get_final_message().usage
        assert parts == ["You", " said", " one", " two", " three"]
        assert (usage.input_tokens, usage.cache_read_input_tokens, usage.output_tokens) == (8, 4, 7)

    def loop(self, names):
        tools = [{"name": name, "input_schema": SCHEMA} for name in names]
        asked = {"model": MODEL, "max_tokens": 100, "tools": tools}
        messages = [{"role": "user", "content": "use the tools"}]
        with client().messages.stream(messages=messages, **asked) as stream:
            message = stream.get_final_message()
        assert [block.name for block in message.content] == names
        results = [
            {
                "type": "tool_result",
                "tool_use_id": block.id,
                "content": f"{block.name} of {block.input['city']}",
            }
            for block in message.content
        ]
        messages += [
            {"role": "assistant", "content": message.content},
            {"role": "user", "content": results},
        ]
        answer = client().messages.create(messages=messages, **asked)
        assert answer.content[0].text == said(names)

    def tools_loop(self):
        self.loop(["weather"])

    def parallel_tools(self):
        self.loop(["weather", "time"])

    def structured_output(self):
        form = {"format": {"type": "json_schema", "schema": SCHEMA}}
        answer = self.create("where?", output_config=form)
        assert json.loads(answer.content[0].text) == {"city": "simulated"}

    def vision(self):
        source = {"type": "base64", "media_type": "image/png", "data": PIXEL}
        content = [{"type": "text", "text": "what is it?"}, {"type": "image", "source": source}]
        assert self.create(content).content[0].text == SEEN

    def abort(self):
        text = "talk on and on to python anthropic"
        stream = self.create(text, stream=True)
        next(event for event in stream if event.type == "content_block_delta")
        stream.close()
        left(text)

    def timeout(self):
        text = "hang for python anthropic"
        hasty = client(timeout=0.3, max_retries=0)
        raises(anthropic.APITimeoutError, lambda: self.create(text, client=hasty))
        left(text)

    def retries(self):
        text = "status 500 for python anthropic"
        raises(anthropic.InternalServerError, lambda: self.create(text))
        tried(text)

    def errors(self):
        once = client(max_retries=0)
        for model, text, status in REFUSED:
            ask = lambda: self.create(text, model=model, client=once)
            assert raises(CLASSES[status], ask).status_code == status


CLIENTS = [Messages]
