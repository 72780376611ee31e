import pytest

from stencil import Template, TemplateError


def test_text_stays_as_it_is():
    assert Template("a { b } %\n").render() == "a { b } %\n"


def test_values_and_filters():
    assert Template("Dear {{ name | title }}!{{ nothing }}").render(name="ann lee") == "Dear Ann Lee!"


def test_if_and_else():
    template = Template("{% if total > 100 %}free{% else %}{{ cost }}{% end %}")
    assert template.render(total=120, cost=5) == "free"
    assert template.render(total=100, cost=5) == "5"


def test_for_with_a_nested_if():
    template = Template("{% for n in numbers %}{{ n }}{% if n < 3 %},{% end %}{% end %}")
    assert template.render(numbers=[1, 2, 3]) == "1,2,3"
    assert template.render() == ""


def test_loop_variable_does_not_leak():
    assert Template("{% for n in numbers %}{{ n }}{% end %}[{{ n }}]").render(numbers=[1]) == "1[]"


@pytest.mark.parametrize(
    "source",
    ["{% if a %}", "{% for a in b %}{% else %}{% end %}", "{% end %}", "{% if %}x{% end %}"],
    ids=["open-if", "else-in-for", "bare-end", "no-condition"],
)
def test_errors(source):
    with pytest.raises(TemplateError):
        Template(source)
