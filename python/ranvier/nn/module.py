"""The base of every layer: parameters in one memory, gradients in another, modes, state dicts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, overload

import numpy as np
import numpy.typing as npt

from .._checks import check_mapping
from .._memory import Memory, as_one, bring_together, from_state, in_memory, memory_of, to_state
from ._quiet import quiet
from ._workspace import Array, Workspace

if TYPE_CHECKING:
    from typing_extensions import Self

    from ._stack import Stack


class Parameter:
    """A parameter as an attribute of its module: assigning writes into the parameter's own memory.

    A class names its parameters, ``weight = Parameter()``, and `Module.add_parameter` gives them
    memory.
    """

    _kind = "parameter"

    def __set_name__(self, owner: type[Module], name: str) -> None:
        self._name = name

    def _arrays(self, module: Module) -> dict[str, Array]:
        module._gather()
        return module._parameters

    @overload
    def __get__(self, module: None, owner: type[Module]) -> Parameter: ...
    @overload
    def __get__(self, module: Module, owner: type[Module]) -> Array: ...
    def __get__(self, module: Module | None, owner: type[Module]) -> Parameter | Array:
        if module is None:
            return self
        try:
            return self._arrays(module)[self._name]
        except KeyError:
            raise AttributeError(
                f"{type(module).__name__} has no {self._kind} {self._name!r}"
            ) from None

    def __set__(self, module: Module, value: npt.ArrayLike) -> None:
        parameter = self.__get__(module, type(module))
        parameter[...] = _fitting(value, parameter, self._name)


class Buffer(Parameter):
    """State that is not learned, as an attribute of its module: see `Module.add_buffer`."""

    _kind = "buffer"

    def _arrays(self, module: Module) -> dict[str, Array]:
        return module._buffers


class Module:
    """A function with parameters that knows its own gradient.

    A subclass defines `forward` and `backward`. Its parameters are those it gave to
    `add_parameter`, then those of the modules among its attributes, in the order of assignment.

    Attributes
    ----------
    training : bool
        The mode. In both, an array that `forward` or `backward` returns is the caller's own: no
        later call writes to it. Where nothing is computed, it is the argument itself (`Dropout` in
        eval mode) or a view of it (`Flatten`).
    takes_integers : bool
        Whether the input is one of integers, as that of `Embedding`, which a `Trainer` must not
        convert. A subclass whose input goes to such a module sets it.

    Examples
    --------
    >>> import numpy as np
    >>> from ranvier import nn
    >>> class Scale(nn.Module):
    ...     factor = nn.Parameter()
    ...     def __init__(self, features):
    ...         super().__init__()
    ...         self.add_parameter("factor", np.ones(features, np.float32))
    ...     def forward(self, x):
    ...         self.x = x
    ...         return x * self.factor
    ...     def backward(self, grad_output, accumulate=False):
    ...         self.write_gradient("factor", (grad_output * self.x).sum(axis=0), accumulate)
    ...         return grad_output * self.factor
    >>> model = nn.Sequential(Scale(3), nn.ReLU())
    >>> [(name, p.shape) for name, p in model.named_parameters()]
    [('0.factor', (3,))]
    """

    takes_integers: bool = False
    # The context in which the passes run; a model of native code alone needs none.
    _quiet: Callable[[], AbstractContextManager[None]] = quiet

    def __init__(self) -> None:
        self.training = True
        self._parameters: dict[str, Array] = {}
        self._gradients: dict[str, Array] = {}
        self._buffers: dict[str, Array] = {}
        # The memories in which parameters and gradients lie; None before that is decided.
        self._memories: frozenset[Memory] | None = None
        self._workspace = Workspace()

    def forward(self, x: Array) -> Array:
        """The module's output; keeps what `backward` will need.

        Parameters
        ----------
        x : ndarray

        Returns
        -------
        ndarray
            The caller's own.

        Notes
        -----
        `backward` reads x and the output, so neither must change before it is called: torch raises
        an error then, a gradient here would be that of other numbers.
        """
        raise NotImplementedError(f"{type(self).__name__} does not define forward")

    def backward(self, grad_output: Array, accumulate: bool = False) -> Array:
        """Write the gradients of the parameters and return that of the input.

        Parameters
        ----------
        grad_output : ndarray
            Gradient with respect to what the last `forward` returned, of its shape and dtype.
        accumulate : bool, default False
            Add to the gradients of the parameters instead.

        Returns
        -------
        ndarray
            Gradient with respect to the input of the last `forward`; the caller's own.

        Raises
        ------
        RuntimeError
            If there was no forward pass.
        ValueError, TypeError
            If grad_output does not have the shape and dtype of the output.
        """
        raise NotImplementedError(f"{type(self).__name__} does not define backward")

    def backward_parameters(self, grad_output: Array, accumulate: bool = False) -> None:
        """As `backward`, where nobody needs the gradient of the input: a model's first layer."""
        self.backward(grad_output, accumulate)

    def __call__(self, x: Array) -> Array:
        # In eval mode several threads may call: then it is left to whoever asks.
        if self._memories is None and self.training:
            self._gather()
        return self.forward(x)

    # Parameters: each is a view of one memory, which a model shares with all its layers.

    def add_parameter(self, name: str, value: Array) -> None:
        """Make a parameter of this name, with these values and a gradient of 0.

        Parameters
        ----------
        name : str
        value : ndarray
            float32 or float64, the same for all parameters of a model; it is copied.
        """
        if value.dtype not in (np.float32, np.float64):
            raise TypeError(f"{name} has dtype {value.dtype}; expected float32 or float64")
        self._parameters[name] = in_memory(value)
        self._gradients[name] = in_memory(np.zeros_like(value))
        self._memories = None

    def add_buffer(self, name: str, value: Array) -> None:
        """Make state that is not learned, such as a running mean, with these values.

        `state_dict` holds it, `parameters` does not.

        Parameters
        ----------
        name : str
        value : ndarray
            Of any dtype; it is copied.
        """
        self._buffers[name] = value.copy()

    def children(self) -> Iterator[tuple[str, Module]]:
        """The modules that are attributes of this one, with their names."""
        for name, value in vars(self).items():
            if isinstance(value, Module):
                yield name, value

    def modules(self) -> Iterator[Module]:
        """This module and all modules in it, each once, in torch's order."""
        for _, module in self._modules("", set()):
            yield module

    def _modules(self, prefix: str, seen: set[int]) -> Iterator[tuple[str, Module]]:
        if id(self) not in seen:
            seen.add(id(self))
            yield prefix, self
            for name, child in self.children():
                yield from child._modules(f"{prefix}{name}.", seen)

    def _gather(self) -> None:
        """Decide, once, where the parameters and the gradients of this module and all in it lie.

        They move into one memory each, as far as nobody else uses the memory that they are in. A
        container decides when it is built, any other module when it is first asked for them or
        called in train mode, as it is not known when its constructor ends. From then on the module
        holds the memory, so nothing moves that is not moved by a module around this one.
        """
        if self._memories:
            return
        modules = list(self.modules())
        dtypes = {p.dtype for module in modules for p in module._parameters.values()}
        if len(dtypes) > 1:
            names = sorted(str(dtype) for dtype in dtypes)
            raise TypeError(f"the parameters have dtypes {', '.join(names)}; expected only one")
        for module in modules:
            module._memories = None
            module._forget()
        bring_together([module._parameters for module in modules])
        bring_together([module._gradients for module in modules])
        arrays = [
            array
            for module in modules
            for of_module in (module._parameters, module._gradients)
            for array in of_module.values()
        ]
        memories = frozenset(memory for array in arrays if (memory := memory_of(array)))
        for module in modules:
            module._memories = memories

    def _whole_stack(self, shape: tuple[int, ...]) -> Stack | None:
        """Return the native stack that does all of this module, for an input of a shape, if any."""
        return None

    def _describe(self) -> tuple[Any, ...]:
        """Return the layer as `_core.Stack` takes it: its kind, and what belongs to it."""
        raise NotImplementedError(f"{type(self).__name__} does not run natively")

    def _forget(self) -> None:
        """Let go of what was made from the arrays of the parameters: they may move now."""

    @property
    def flat_parameters(self) -> Array:
        """All parameters, as one array of one axis; a view.

        Raises
        ------
        ValueError
            If they are not in one buffer, since arrays of a part of them were in use when this
            module was built, or a part came later. An array that somebody holds never moves: no
            update is lost.
        """
        return _one_array(self.parameters(), "parameters")

    @property
    def flat_gradients(self) -> Array:
        """All gradients, as `flat_parameters`."""
        return _one_array(self.gradients(), "gradients")

    def named_parameters(self) -> list[tuple[str, Array]]:
        """Names and parameters, in torch's order."""
        self._gather()
        return [
            (prefix + name, parameter)
            for prefix, module in self._modules("", set())
            for name, parameter in module._parameters.items()
        ]

    def parameters(self) -> list[Array]:
        """The parameters, in torch's order: views of `flat_parameters`, where that is one."""
        self._gather()
        return [array for module in self.modules() for array in module._parameters.values()]

    def gradients(self) -> list[Array]:
        """The gradients, in the order of `parameters`: views of `flat_gradients`, likewise."""
        self._gather()
        return [array for module in self.modules() for array in module._gradients.values()]

    def named_buffers(self) -> list[tuple[str, Array]]:
        """Names and arrays of the state that is not learned, in torch's order."""
        return [
            (prefix + name, buffer)
            for prefix, module in self._modules("", set())
            for name, buffer in module._buffers.items()
        ]

    def write_gradient(self, name: str, value: Array, accumulate: bool = False) -> None:
        """Set the gradient of one of the module's own parameters, or add to it."""
        gradient = self._gradients[name]
        if np.shape(value) != gradient.shape:
            raise ValueError(f"value has shape {np.shape(value)}; expected {gradient.shape}")
        with quiet():
            if accumulate:
                gradient += value
            else:
                gradient[...] = value

    def zero_grad(self) -> None:
        """Set every gradient to 0: for those who accumulate."""
        for gradient in self.gradients():
            gradient.fill(0)

    # Modes.

    def train(self, mode: bool = True) -> Self:
        """Train mode, or eval mode if `mode` is False; returns the module."""
        for module in self.modules():
            module.training = mode
        return self

    def eval(self) -> Self:
        """Eval mode; returns the module."""
        return self.train(False)

    # State.

    def state_dict(self) -> dict[str, Array]:
        """A copy of every parameter and buffer, by torch's name for it.

        Examples
        --------
        >>> from ranvier import nn
        >>> list(nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2)).state_dict())
        ['0.weight', '0.bias', '2.weight', '2.bias']
        """
        return {name: array.copy() for name, array in self._named_state().items()}

    def _named_state(self) -> dict[str, Array]:
        """Parameters and buffers by name: module by module, as torch orders them."""
        self._gather()
        return {
            prefix + name: array
            for prefix, module in self._modules("", set())
            for arrays in (module._parameters, module._buffers)
            for name, array in arrays.items()
        }

    def load_state_dict(self, state_dict: Mapping[str, npt.ArrayLike]) -> None:
        """Take over parameters and buffers, all or none.

        Parameters
        ----------
        state_dict : mapping of str to array_like
            Exactly the names and shapes of `state_dict()`. Another floating dtype is converted.

        Raises
        ------
        ValueError
            If a name is missing or unexpected, or a shape does not fit.
        TypeError
            If it is no mapping, or a value is not of real numbers.
        """
        check_mapping(state_dict, "state_dict")
        named = self._named_state()
        missing = [name for name in named if name not in state_dict]
        unexpected = [name for name in state_dict if name not in named]
        if missing or unexpected:
            raise ValueError(
                f"state_dict lacks {missing} and has unexpected {unexpected}; "
                f"expected {list(named)}"
            )
        # A copy of everything first: the values may be views of the parameters themselves.
        values = [_fitting(state_dict[name], a, name).copy() for name, a in named.items()]
        for array, value in zip(named.values(), values, strict=True):
            array[...] = value

    # Copies and pickles.

    def __getstate__(self) -> dict[str, Any]:
        """The attributes, with arrays as the places where they lie: see `Memory`."""
        return {
            **vars(self),
            "_parameters": {name: to_state(array) for name, array in self._parameters.items()},
            "_gradients": {name: to_state(array) for name, array in self._gradients.items()},
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._parameters = {name: from_state(value) for name, value in self._parameters.items()}
        self._gradients = {name: from_state(value) for name, value in self._gradients.items()}

    # For the layers.

    def _scratch(self, name: str, shape: tuple[int, ...], dtype: npt.DTypeLike) -> Array:
        """Where a forward pass keeps what nobody else sees: always the same memory in train mode.

        New memory in eval mode, as several threads may call then.
        """
        if self.training:
            return self._workspace.array(name, shape, dtype)
        return np.empty(shape, dtype)

    def _contiguous(self, name: str, x: Array) -> Array:
        """x itself if a kernel can read it as it lies, else a copy."""
        if x.flags.c_contiguous and x.flags.aligned:
            return x
        copy = self._scratch(name, x.shape, x.dtype)
        np.copyto(copy, x)
        return copy

    def _saved(self) -> Any:
        if self._workspace.saved is None:
            raise RuntimeError(f"{type(self).__name__}.backward was called before forward")
        return self._workspace.saved


def _fitting(value: npt.ArrayLike, parameter: Array, name: str) -> Array:
    """The value in the dtype of the parameter, if it is one that can stand for it."""
    array = np.asarray(value)
    if not np.can_cast(array.dtype, parameter.dtype, "same_kind"):
        raise TypeError(f"{name} has dtype {array.dtype}; expected {parameter.dtype}")
    if array.shape != parameter.shape:
        raise ValueError(f"{name} has shape {array.shape}; expected {parameter.shape}")
    with quiet():
        return array.astype(parameter.dtype, copy=False)


def check_input(x: Any, *dtypes: npt.DTypeLike) -> None:
    """Raise unless x is an array of one of the dtypes."""
    if not isinstance(x, np.ndarray) or x.dtype not in dtypes:
        expected = " or ".join(str(np.dtype(dtype)) for dtype in dtypes)
        raise TypeError(f"x is of {getattr(x, 'dtype', type(x))}; expected an array of {expected}")


def check_gradient(grad_output: Array, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
    """Raise unless a gradient has the shape and dtype of the output it belongs to."""
    if not isinstance(grad_output, np.ndarray):
        raise TypeError(f"grad_output is a {type(grad_output).__name__}; expected an ndarray")
    if grad_output.shape != shape:
        raise ValueError(
            f"grad_output has shape {grad_output.shape}; expected {shape}, that of the output"
        )
    if grad_output.dtype != dtype:
        raise TypeError(
            f"grad_output has dtype {grad_output.dtype}; expected {dtype}, that of the output"
        )


def _one_array(arrays: list[Array], what: str) -> Array:
    if not arrays:
        return np.empty(0, np.float32)
    flat = as_one(arrays)
    if flat is None:
        raise ValueError(
            f"the {what} are not in one buffer, as arrays of some were in use when this module was "
            "built, or some came later; expected parameters(), gradients() and their like to be "
            "called on the outermost module only, after it is built"
        )
    return flat
