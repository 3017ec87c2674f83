// Losses of a margin: how far a score x is on the side that y, 1 or -1, says.
#pragma once

#include "classification.hpp"

namespace ranvier::RANVIER_ISA::losses {

/// f = max(0, 1 - y x), 0 its slope at the kink.
struct hinge_loss {
    template <class T>
    static double value(double x, double y) {
        return at_least(1.0 - y * x, 0.0);
    }
    template <class T>
    static double derivative(double x, double y) {
        return 1.0 - y * x > 0.0 ? -y : 0.0;
    }
};

/// f = max(0, 1 - y x)^2.
struct squared_hinge_loss {
    template <class T>
    static double value(double x, double y) {
        const double hinge = at_least(1.0 - y * x, 0.0);
        return hinge * hinge;
    }
    template <class T>
    static double derivative(double x, double y) {
        return -2.0 * y * at_least(1.0 - y * x, 0.0);
    }
};

/// f = log(1 + e^(-y x)).
struct logistic_loss {
    template <class T>
    static double value(double x, double y) {
        return softplus_of<T>(-y * x);
    }
    template <class T>
    static double derivative(double x, double y) {
        return -y * logistic_of<T>(-y * x);
    }
};

/// f = (1 - y x)^2.
struct square_margin_loss {
    template <class T>
    static double value(double x, double y) {
        const double distance = 1.0 - y * x;
        return distance * distance;
    }
    template <class T>
    static double derivative(double x, double y) {
        return -2.0 * y * (1.0 - y * x);
    }
};

/// f = x for y = 1, max(0, margin - x) for y = -1, their sum for another y; -1 is the slope of the
/// second at its kink.
struct hinge_embedding_loss {
    template <class T>
    static double value(double x, double y, parameters::hinge_embedding_loss p) {
        return (y != -1.0 ? x : 0.0) + (y != 1.0 ? at_least(p.margin - x, 0.0) : 0.0);
    }
    template <class T>
    static double derivative(double x, double y, parameters::hinge_embedding_loss p) {
        const bool near = (y != 1.0) & (p.margin - x >= 0.0);
        return (y != -1.0 ? 1.0 : 0.0) - (near ? 1.0 : 0.0);
    }
};

/// f = max(0, margin - y (x1 - x2)) of two scores; the slope at the kink is that below it.
struct margin_ranking_loss {
    template <class T>
    static double value(double x1, double y, double x2, parameters::margin_ranking_loss p) {
        return at_least(p.margin - y * (x1 - x2), 0.0);
    }
    template <class T>
    static double derivative(double x1, double y, double x2, parameters::margin_ranking_loss p) {
        return p.margin - y * (x1 - x2) >= 0.0 ? -y : 0.0;
    }
    template <class T>
    static double second_derivative(double x1, double y, double x2,
                                    parameters::margin_ranking_loss p) {
        return -derivative<T>(x1, y, x2, p);
    }
};

}  // namespace ranvier::RANVIER_ISA::losses
