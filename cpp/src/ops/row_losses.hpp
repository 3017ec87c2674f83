// Losses of a whole row: of scores of classes, or of vectors. Sums are formed in double, on a fixed
// number of lanes.
#pragma once

#include "../math/power.hpp"
#include "losses/parameters.hpp"
#include "rows.hpp"

namespace ranvier::RANVIER_ISA {

/// The hinges of scores [begin, end) over that of the right class, to the power 1 or 2; with
/// `gradient`, factor times their slopes. `slopes` is the sum of these before the factor.
template <bool squared, class T>
inline double hinges(const T* x, double edge, std::size_t begin, std::size_t end, double factor,
                     T* gradient, double& slopes) {
    double sum[lanes] = {}, slope_sum[lanes] = {};
    for_each_lane(end - begin, [&](std::size_t j, std::size_t l) {
        const double z = at_least(static_cast<double>(x[begin + j]) + edge, 0.0);
        const double slope = squared ? 2.0 * z : z > 0.0 ? 1.0 : z;
        sum[l] += squared ? z * z : z;
        slope_sum[l] += slope;
        if (gradient != nullptr) gradient[begin + j] = static_cast<T>(factor * slope);
    });
    slopes += tree_sum(slope_sum);
    return tree_sum(sum);
}

/// f = w_y sum_j max(0, x_j - x_y + margin)^p over the classes j other than y (Weston and Watkins,
/// 1999), p 1 or 2; with `mean`, divided by the number of classes.
template <class T>
double multiclass_hinge(const RowLossSample<T>& sample, double scale, T* const* gradients,
                        std::size_t n) {
    const T* x = sample.rows[0];
    const auto label = static_cast<std::size_t>(sample.labels[0]);
    const auto p = named<parameters::multiclass_hinge>(sample.parameters);
    const double divisor = p.mean != 0.0 ? static_cast<double>(n) : 1.0;
    const double weight = (sample.weight == nullptr ? 1.0 : sample.weight[label]) / divisor;
    const double edge = p.margin - static_cast<double>(x[label]);
    const auto sum = p.p == 2.0 ? hinges<true, T> : hinges<false, T>;
    T* gradient = gradients[0];
    double slopes = 0.0;
    const double below = sum(x, edge, 0, label, scale * weight, gradient, slopes);
    const double above = sum(x, edge, label + 1, n, scale * weight, gradient, slopes);
    if (gradient != nullptr) gradient[label] = static_cast<T>(-scale * weight * slopes);
    return weight * (below + above);
}

/// f = sum over the targets t and the other classes j of max(0, 1 - x_t + x_j), divided by their
/// number n. The labels end with the first negative one. `work` has room for 2 n numbers.
template <class T>
double multilabel_margin(const RowLossSample<T>& sample, double scale, T* const* gradients,
                         std::size_t n) {
    const T* x = sample.rows[0];
    double *rival = sample.work,
           *slope = sample.work + n;  // scores of the others, -inf for targets
    for (std::size_t j = 0; j < n; ++j) {
        rival[j] = static_cast<double>(x[j]);
        slope[j] = 0.0;
    }
    std::size_t targets = 0;
    for (; targets < n && sample.labels[targets] >= 0; ++targets) {
        rival[static_cast<std::size_t>(sample.labels[targets])] = -infinity;
    }
    double total = 0.0;
    for (std::size_t k = 0; k < targets; ++k) {
        const auto t = static_cast<std::size_t>(sample.labels[k]);
        const double edge = 1.0 - static_cast<double>(x[t]);
        double sum[lanes] = {}, count[lanes] = {};
        for_each_lane(n, [&](std::size_t j, std::size_t l) {
            const double z = at_least(edge + rival[j], 0.0);
            const double one = z > 0.0 ? 1.0 : z;
            sum[l] += z;
            count[l] += one;
            slope[j] += one;
        });
        total += tree_sum(sum);
        slope[t] -= tree_sum(count);
    }
    const double share = 1.0 / static_cast<double>(n);
    if (gradients[0] != nullptr) {
        for (std::size_t j = 0; j < n; ++j) {
            gradients[0][j] = static_cast<T>(scale * share * slope[j]);
        }
    }
    return share * total;
}

/// f = max_j (x_j + c_j) - x_y with the costs c, the second row (Tsochantaridis et al., 2005); of
/// equal ones the first.
template <class T>
double structured_hinge(const RowLossSample<T>& sample, double scale, T* const* gradients,
                        std::size_t n) {
    const T *x = sample.rows[0], *cost = sample.rows[1];
    const auto label = static_cast<std::size_t>(sample.labels[0]);
    std::size_t best = 0;
    double most = -infinity;
    for (std::size_t j = 0; j < n; ++j) {
        const double score = static_cast<double>(x[j]) + static_cast<double>(cost[j]);
        const bool better = score > most || (score != score && most == most);
        most = better ? score : most;
        best = better ? j : best;
    }
    if (gradients[0] != nullptr) {
        for (std::size_t j = 0; j < n; ++j) gradients[0][j] = T(0);
        if (best != label || most != most) {
            gradients[0][best] = static_cast<T>(most == most ? scale : most);
            gradients[0][label] = static_cast<T>(-scale);
        }
    }
    return most - static_cast<double>(x[label]);
}

/// f = 1 - cos(a, b) for y = 1, max(0, cos(a, b) - margin) for y = -1, 0 for another y. The squared
/// lengths have 1e-12 added, as in torch.
template <class T>
double cosine_embedding(const RowLossSample<T>& sample, double scale, T* const* gradients,
                        std::size_t n) {
    const T *a = sample.rows[0], *b = sample.rows[1];
    const double aa = dot(a, a, n) + 1e-12, bb = dot(b, b, n) + 1e-12, ab = dot(a, b, n);
    const double length = sqrt(aa) * sqrt(bb), cosine = ab / length;
    const double margin = named<parameters::cosine_embedding>(sample.parameters).margin;
    const double above = cosine - margin;
    const bool same = sample.labels[0] == 1, apart = sample.labels[0] == -1;
    const double slope = scale * (same ? -1.0 : apart && above >= 0.0 ? 1.0 : 0.0);
    for (int k = 0; k < 2 && gradients[0] != nullptr; ++k) {
        const T *own = k == 0 ? a : b, *other = k == 0 ? b : a;
        const double along = cosine / (k == 0 ? aa : bb);
        T* gradient = gradients[k];
        for_each_lane(n, [&](std::size_t j, std::size_t) {
            gradient[j] = static_cast<T>(slope * (static_cast<double>(other[j]) / length -
                                                  along * static_cast<double>(own[j])));
        });
    }
    return same ? 1.0 - cosine : apart ? at_least(above, 0.0) : 0.0;
}

/// || a - b + eps ||_p, p > 0 or infinite.
template <class T>
inline double norm_of_difference(const T* a, const T* b, double eps, double p, std::size_t n) {
    double sum[lanes] = {};
    const auto reduce = [&](auto term) {
        for_each_lane(n, [&](std::size_t j, std::size_t l) {
            const double d = (static_cast<double>(a[j]) - static_cast<double>(b[j])) + eps;
            sum[l] = term(sum[l], abs(d));
        });
    };
    if (p == 2.0) {
        reduce([](double s, double d) { return s + d * d; });
        return sqrt(tree_sum(sum));
    }
    if (p == 1.0) {
        reduce([](double s, double d) { return s + d; });
        return tree_sum(sum);
    }
    if (p == infinity) {
        reduce([](double s, double d) { return d <= s ? s : d; });
        double most = 0.0;
        for (std::size_t l = 0; l < lanes; ++l) most = sum[l] <= most ? most : sum[l];
        return most;
    }
    reduce([p](double s, double d) { return s + power_of<double>(d, p); });
    return power_of<double>(tree_sum(sum), 1.0 / p);
}

/// The derivative of ||d||_p with respect to one element of d; 0 where the norm is. That of the
/// largest element is shared among `ties` equals.
struct NormSlope {
    double p, ties;
    double operator()(double d, double norm) const {
        const double sign = d > 0.0 ? 1.0 : d < 0.0 ? -1.0 : d;
        if (norm == 0.0) return 0.0;
        if (p == 1.0) return sign;
        if (p == infinity) return abs(d) == norm ? sign / ties : 0.0;
        return d == 0.0 ? 0.0 : sign * power_of<double>(abs(d) / norm, p - 1.0);
    }
};
/// The same for p = 2, without a branch.
struct EuclideanSlope {
    double operator()(double d, double norm) const { return norm == 0.0 ? 0.0 : d / norm; }
};

/// How many elements of a - b + eps are as large as the norm for p = inf.
template <class T>
inline double ties_of(const T* a, const T* b, double eps, double norm, std::size_t n) {
    double count = 0.0;
    for (std::size_t j = 0; j < n; ++j) {
        const double d = (static_cast<double>(a[j]) - static_cast<double>(b[j])) + eps;
        count += abs(d) == norm ? 1.0 : 0.0;
    }
    return count > 0.0 ? count : 1.0;
}

/// A distance of two rows and by how much its slope counts.
template <class Slope>
struct Distance {
    double norm, factor;
    Slope slope;
    double operator()(double d) const { return factor == 0.0 ? 0.0 : factor * slope(d, norm); }
};

template <class T, class Slope>
inline void triplet_gradients(const RowLossSample<T>& sample, const Distance<Slope> (&distances)[3],
                              double eps, T* const* gradients, std::size_t n) {
    const T *a = sample.rows[0], *b = sample.rows[1], *c = sample.rows[2];
    T *of_a = gradients[0], *of_b = gradients[1], *of_c = gradients[2];
    const Distance<Slope> near = distances[0], far = distances[1], other = distances[2];
    for_each_lane(n, [&](std::size_t j, std::size_t) {
        const double x = static_cast<double>(a[j]), y = static_cast<double>(b[j]);
        const double z = static_cast<double>(c[j]);
        const double to_near = near((x - y) + eps), to_far = far((x - z) + eps);
        const double to_other = other((y - z) + eps);
        of_a[j] = static_cast<T>(to_near - to_far);
        of_b[j] = static_cast<T>(-to_near - to_other);
        of_c[j] = static_cast<T>(to_far + to_other);
    });
}

/// f = max(0, ||a - b|| - ||a - c|| + margin) for an anchor a, a positive b and a negative c
/// (Balntas et al., 2016); with `swap`, the distance of b to c where that is less.
template <class T>
double triplet_margin(const RowLossSample<T>& sample, double scale, T* const* gradients,
                      std::size_t n) {
    const T *a = sample.rows[0], *b = sample.rows[1], *c = sample.rows[2];
    const auto given = named<parameters::triplet_margin>(sample.parameters);
    const double margin = given.margin, p = given.p, eps = given.eps;
    const double near = norm_of_difference(a, b, eps, p, n);
    const double far = norm_of_difference(a, c, eps, p, n);
    const double other = given.swap != 0.0 ? norm_of_difference(b, c, eps, p, n) : infinity;
    // Where the two are equal, each has half of the slope.
    const double of_other = other < far ? 1.0 : other == far ? 0.5 : 0.0;
    const double z = margin + near - (other < far ? other : far);
    const double factor = z >= 0.0 ? scale : z == z ? 0.0 : z;
    if (gradients[0] == nullptr) return at_least(z, 0.0);
    const double factors[] = {factor, factor * (1.0 - of_other), factor * of_other};
    if (p == 2.0) {
        const Distance<EuclideanSlope> distances[] = {
            {near, factors[0], {}}, {far, factors[1], {}}, {other, factors[2], {}}};
        triplet_gradients(sample, distances, eps, gradients, n);
    } else {
        const bool largest = p == infinity;
        const double ties[] = {largest ? ties_of(a, b, eps, near, n) : 1.0,
                               largest ? ties_of(a, c, eps, far, n) : 1.0,
                               largest ? ties_of(b, c, eps, other, n) : 1.0};
        const Distance<NormSlope> distances[] = {{near, factors[0], {p, ties[0]}},
                                                 {far, factors[1], {p, ties[1]}},
                                                 {other, factors[2], {p, ties[2]}}};
        triplet_gradients(sample, distances, eps, gradients, n);
    }
    return at_least(z, 0.0);
}

}  // namespace ranvier::RANVIER_ISA
