mkfifo conftest.py pytest.ini setup.cfg pyproject.toml sitecustomize.py coins/other.py tests/test_new.py tests/__init__.py
mkfifo .gitattributes .gitignore
