"""Networks of other libraries, read into chainrule's: `from_other(net)`."""

from chainrule.exchange.foreign import FORMATS, Foreign, from_other, is_foreign

__all__ = ["FORMATS", "Foreign", "from_other", "is_foreign"]
