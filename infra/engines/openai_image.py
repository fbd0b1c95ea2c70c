"""Any image that speaks the OpenAI API.

The contract: listen on `$HOST:$PORT`, serve `$MODEL` as `$SERVED_MODEL_NAME`, and answer 200 on /health,
without a key, once requests can be served.
"""

from infra.engines.custom import RESERVED, CustomImage

ENGINE = CustomImage(name="openai", needs_gpu=False, vocabulary=RESERVED)
