"""Losses, each with its gradient in the same pass over the data: `losses.NAME.value_and_grad`."""

from ._loss import Loss
from .cross_entropy import cross_entropy
from .embeddings import cosine_embedding_loss, triplet_margin_loss
from .margins import (
    hinge_embedding_loss,
    hinge_loss,
    logistic_loss,
    margin_ranking_loss,
    multi_margin_loss,
    multiclass_hinge_loss,
    multilabel_hinge_loss,
    multilabel_margin_loss,
    multilabel_soft_margin_loss,
    soft_margin_loss,
    square_margin_loss,
    squared_hinge_loss,
    structured_hinge_loss,
)
from .metrics import zero_one_loss
from .probabilities import (
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    focal_loss,
    gaussian_nll_loss,
    kl_div,
    nll_loss,
    poisson_nll_loss,
)
from .regression import (
    huber_loss,
    l1_loss,
    log_cosh_loss,
    lq_loss,
    mse_loss,
    quantile_loss,
    smooth_l1_loss,
)

__all__ = [
    "Loss",
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "cosine_embedding_loss",
    "cross_entropy",
    "focal_loss",
    "gaussian_nll_loss",
    "hinge_embedding_loss",
    "hinge_loss",
    "huber_loss",
    "kl_div",
    "l1_loss",
    "log_cosh_loss",
    "logistic_loss",
    "lq_loss",
    "margin_ranking_loss",
    "mse_loss",
    "multi_margin_loss",
    "multiclass_hinge_loss",
    "multilabel_hinge_loss",
    "multilabel_margin_loss",
    "multilabel_soft_margin_loss",
    "nll_loss",
    "poisson_nll_loss",
    "quantile_loss",
    "smooth_l1_loss",
    "soft_margin_loss",
    "square_margin_loss",
    "squared_hinge_loss",
    "structured_hinge_loss",
    "triplet_margin_loss",
    "zero_one_loss",
]
