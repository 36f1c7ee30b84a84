"""https://github.com/openai/openai-python."""

import json

import openai

from stage import KEY, MODEL, OPENAI, PIXEL, REFUSED, SCHEMA, SEEN, left, raises, said, tried

CLASSES = {
    400: openai.BadRequestError,
    403: openai.PermissionDeniedError,
    404: openai.NotFoundError,
    429: openai.RateLimitError,
    500: openai.InternalServerError,
}


def client(**options):
    return openai.OpenAI(api_key=KEY, base_url=OPENAI, **options)


def errors(ask):
    for model, text, status in REFUSED:
        error = raises(CLASSES[status], lambda: ask(model, text))
        assert error.status_code == status, error


class Chat:
    package, dialect = "openai", "Chat Completions"

    def create(self, text, model=MODEL, client=client(), **more):
        messages = [{"role": "user", "content": text}]
        return client.chat.completions.create(model=model, messages=messages, **more)

    def stream(self):
        chunks = list(
            self.create("one two three", stream=True, stream_options={"include_usage": True})
        )
        parts = [chunk.choices[0].delta.content for chunk in chunks if chunk.choices]
        assert [part for part in parts if part] == ["You", " said", " one", " two", " three"]
        assert (chunks[-1].usage.prompt_tokens, chunks[-1].usage.completion_tokens) == (12, 7)

    def loop(self, names):
        tools = [
            {"type": "function", "function": {"name": name, "parameters": SCHEMA}} for name in names
        ]
        messages = [{"role": "user", "content": "use the tools"}]
        with client().chat.completions.stream(
            model=MODEL, messages=messages, tools=tools
        ) as stream:
            message = stream.get_final_completion().choices[0].message
        assert [call.function.name for call in message.tool_calls] == names
        messages.append(message.model_dump(exclude_none=True, exclude={"parsed"}))
        for call in message.tool_calls:
            city = json.loads(call.function.arguments)["city"]
            content = f"{call.function.name} of {city}"
            messages.append({"role": "tool", "tool_call_id": call.id, "content": content})
        answer = client().chat.completions.create(model=MODEL, messages=messages, tools=tools)
        assert answer.choices[0].message.content == said(names)

    def tools_loop(self):
        self.loop(["weather"])

    def parallel_tools(self):
        self.loop(["weather", "time"])

    def structured_output(self):
        form = {"name": "place", "schema": SCHEMA, "strict": True}
        answer = self.create(
            "where?", response_format={"type": "json_schema", "json_schema": form}
        )
        assert json.loads(answer.choices[0].message.content) == {"city": "simulated"}

    def vision(self):
        url = {"url": f"data:image/png;base64,{PIXEL}"}
        content = [{"type": "text", "text": "what is it?"}, {"type": "image_url", "image_url": url}]
        assert self.create(content).choices[0].message.content == SEEN

    def abort(self):
        text = "talk on and on to python openai chat"
        stream = self.create(text, stream=True)
        next(chunk for chunk in stream if chunk.choices[0].delta.content)
        stream.close()
        left(text)

    def timeout(self):
        text = "hang for python openai chat"
        hasty = client(timeout=0.3, max_retries=0)
        raises(openai.APITimeoutError, lambda: self.create(text, client=hasty))
        left(text)

    def retries(self):
        text = "status 500 for python openai chat"
        raises(openai.InternalServerError, lambda: self.create(text))
        tried(text)

    def errors(self):
        once = client(max_retries=0)
        errors(lambda model, text: self.create(text, model=model, client=once))


class Responses:
    package, dialect = "openai", "Responses"

    def create(self, asked, model=MODEL, client=client(), **more):
        return client.responses.create(model=model, input=asked, **more)

    def stream(self):
        with client().responses.stream(model=MODEL, input="one two three") as stream:
            events = list(stream)
            usage = stream.get_final_response().usage
        parts = [event.delta for event in events if event.type == "response.output_text.delta"]
        assert parts == ["You", " said", " one", " two", " three"]
        assert (usage.input_tokens, usage.output_tokens) == (12, 7)

    def loop(self, names):
        tools = [
            {"type": "function", "name": name, "parameters": SCHEMA, "strict": True}
            for name in names
        ]
        items = [{"role": "user", "content": "use the tools"}]
        with client().responses.stream(model=MODEL, input=items, tools=tools) as stream:
            calls = stream.get_final_response().output
        assert [call.name for call in calls] == names
        for call in calls:
            city = json.loads(call.arguments)["city"]
            items.append(call.model_dump(exclude_none=True, exclude={"parsed_arguments"}))
            output = f"{call.name} of {city}"
            items.append(
                {"type": "function_call_output", "call_id": call.call_id, "output": output}
            )
        answer = client().responses.create(model=MODEL, input=items, tools=tools)
        assert answer.output_text == said(names)

    def tools_loop(self):
        self.loop(["weather"])

    def parallel_tools(self):
        self.loop(["weather", "time"])

    def structured_output(self):
        form = {"type": "json_schema", "name": "place", "schema": SCHEMA, "strict": True}
        answer = self.create("where?", text={"format": form})
        assert json.loads(answer.output_text) == {"city": "simulated"}

    def vision(self):
        url = f"data:image/png;base64,{PIXEL}"
        content = [
            {"type": "input_text", "text": "what is it?"},
            {"type": "input_image", "image_url": url, "detail": "auto"},
        ]
        assert self.create([{"role": "user", "content": content}]).output_text == SEEN

    def abort(self):
        text = "talk on and on to python openai responses"
        stream = self.create(text, stream=True)
        next(event for event in stream if event.type == "response.output_text.delta")
        stream.close()
        left(text)

    def timeout(self):
        text = "hang for python openai responses"
        hasty = client(timeout=0.3, max_retries=0)
        raises(openai.APITimeoutError, lambda: self.create(text, client=hasty))
        left(text)

    def retries(self):
        text = "status 500 for python openai responses"
        raises(openai.InternalServerError, lambda: self.create(text))
        tried(text)

    def errors(self):
        once = client(max_retries=0)
        errors(lambda model, text: self.create(text, model=model, client=once))


CLIENTS = [Chat, Responses]
