"""Well-known packages that tests use without a word in any file. No other name is ever guessed."""

KNOWN_IMPORTS = {
    "aiofiles": "aiofiles", "aiohttp": "aiohttp", "aioresponses": "aioresponses", "anyio": "anyio",
    "approvaltests": "approvaltests", "argon2": "argon2-cffi", "asgiref": "asgiref", "asynctest": "asynctest",
    "attr": "attrs", "attrs": "attrs", "azure.core": "azure-core", "azure.identity": "azure-identity", "babel": "Babel",
    "bcrypt": "bcrypt", "betamax": "betamax", "boto3": "boto3", "botocore": "botocore", "bs4": "beautifulsoup4",
    "build": "build", "cattr": "cattrs", "cattrs": "cattrs", "cbor2": "cbor2", "celery": "celery",
    "cerberus": "Cerberus", "click": "click", "coverage": "coverage", "Crypto": "pycryptodome",
    "Cryptodome": "pycryptodomex", "cryptography": "cryptography", "dateutil": "python-dateutil", "ddt": "ddt",
    "deepdiff": "deepdiff", "defusedxml": "defusedxml", "dirty_equals": "dirty-equals", "django": "Django",
    "dns": "dnspython", "docker": "docker", "docutils": "docutils", "dotenv": "python-dotenv", "eventlet": "eventlet",
    "factory": "factory_boy", "faker": "Faker", "fastapi": "fastapi", "fixtures": "fixtures", "flask": "Flask",
    "flask_sqlalchemy": "Flask-SQLAlchemy", "freezegun": "freezegun", "fsspec": "fsspec", "gevent": "gevent",
    "git": "GitPython", "google.api_core": "google-api-core", "google.auth": "google-auth",
    "google.protobuf": "protobuf", "greenlet": "greenlet", "grpc": "grpcio", "hamcrest": "PyHamcrest",
    "html5lib": "html5lib", "httpretty": "httpretty", "httpx": "httpx", "hypothesis": "hypothesis",
    "inline_snapshot": "inline-snapshot", "IPython": "ipython", "jinja2": "Jinja2", "jsonschema": "jsonschema",
    "jupyter_client": "jupyter-client", "jwt": "PyJWT", "lxml": "lxml", "manuel": "manuel", "markdown": "Markdown",
    "markdown_it": "markdown-it-py", "markupsafe": "MarkupSafe", "marshmallow": "marshmallow",
    "matplotlib": "matplotlib", "mock": "mock", "moto": "moto", "msgpack": "msgpack", "nacl": "PyNaCl",
    "nbformat": "nbformat", "networkx": "networkx",
    "nose": "pynose", "numpy": "numpy", "openpyxl": "openpyxl", "OpenSSL": "pyOpenSSL",
    "opentelemetry.sdk": "opentelemetry-sdk", "opentelemetry.semconv": "opentelemetry-semantic-conventions",
    "opentelemetry.test": "opentelemetry-test-utils", "orjson": "orjson", "packaging": "packaging", "pandas": "pandas",
    "parameterized": "parameterized", "paramiko": "paramiko", "path": "path", "pexpect": "pexpect", "PIL": "Pillow",
    "pkg_resources": "setuptools<81", "pluggy": "pluggy", "polars": "polars", "portalocker": "portalocker",
    "proto": "proto-plus", "psutil": "psutil", "psycopg": "psycopg", "psycopg2": "psycopg2-binary",
    "pyarrow": "pyarrow", "pycodestyle": "pycodestyle", "pydantic": "pydantic", "pyfakefs": "pyfakefs",
    "pygments": "Pygments", "pymongo": "pymongo", "pyparsing": "pyparsing", "pypdf": "pypdf", "pyramid": "pyramid",
    "pytest_asyncio": "pytest-asyncio", "pytest_django": "pytest-django", "pytest_httpserver": "pytest-httpserver",
    "pytest_httpx": "pytest-httpx", "pytest_mock": "pytest-mock", "pytest_regressions": "pytest-regressions",
    "pytest_subtests": "pytest-subtests", "pytz": "pytz", "redis": "redis", "regex": "regex", "requests": "requests",
    "requests_mock": "requests-mock", "responses": "responses", "respx": "respx",
    "rest_framework": "djangorestframework", "rich": "rich", "ruamel.yaml": "ruamel.yaml", "scipy": "scipy",
    "serial": "pyserial", "setuptools": "setuptools<81", "simplejson": "simplejson", "six": "six",
    "sklearn": "scikit-learn", "slugify": "python-slugify", "snapshottest": "snapshottest",
    "sortedcontainers": "sortedcontainers", "sphinx": "Sphinx", "sqlalchemy": "SQLAlchemy", "starlette": "starlette",
    "subunit": "python-subunit", "sure": "sure", "sybil": "sybil", "syrupy": "syrupy", "testfixtures": "testfixtures",
    "testpath": "testpath", "testtools": "testtools", "time_machine": "time-machine", "toml": "toml", "tomli": "tomli",
    "tornado": "tornado", "tqdm": "tqdm", "trio": "trio", "trustme": "trustme", "twisted": "Twisted", "typer": "typer",
    "typing_extensions": "typing-extensions", "tzdata": "tzdata", "ujson": "ujson", "uvicorn": "uvicorn",
    "vcr": "vcrpy", "virtualenv": "virtualenv", "webob": "WebOb", "websocket": "websocket-client",
    "websockets": "websockets", "webtest": "WebTest", "werkzeug": "Werkzeug", "wheel": "wheel",
    "xdist": "pytest-xdist", "xmltodict": "xmltodict", "yaml": "PyYAML", "zmq": "pyzmq",
    "zope.component": "zope.component", "zope.configuration": "zope.configuration", "zope.event": "zope.event",
    "zope.interface": "zope.interface", "zope.schema": "zope.schema", "zope.testing": "zope.testing",
}  # fmt: skip
"""Module → the package that has it. A dotted name stands for what is below it too."""
KNOWN_FIXTURES = {
    "aiohttp_client": "pytest-aiohttp", "benchmark": "pytest-benchmark", "data_regression": "pytest-regressions",
    "datadir": "pytest-datadir", "faker": "Faker", "file_regression": "pytest-regressions", "freezer": "pytest-freezer",
    "fs": "pyfakefs", "httpserver": "pytest-httpserver", "httpx_mock": "pytest-httpx", "mocker": "pytest-mock",
    "num_regression": "pytest-regressions", "requests_mock": "requests-mock", "respx_mock": "respx",
    "shared_datadir": "pytest-datadir", "subtests": "pytest-subtests", "time_machine": "time-machine",
}  # fmt: skip
"""Fixture → the plugin that has it."""
KNOWN_MARKS = {
    "anyio": "anyio", "asyncio": "pytest-asyncio", "datafiles": "pytest-datafiles", "django_db": "pytest-django",
    "freeze_time": "pytest-freezer", "respx": "respx", "trio": "pytest-trio", "vcr": "pytest-recording",
}  # fmt: skip
"""Mark, as in `pytest.mark.NAME` → the plugin that knows it."""
PLUGINS_OF_OTHER_NAMES = frozenset(
    {
        "anyio",
        "celery",
        "faker",
        "hypothesis",
        "inline-snapshot",
        "pyfakefs",
        "requests-mock",
        "respx",
        "syrupy",
        "time-machine",
    }
)
"""Plugins of pytest whose names do not begin with it."""
