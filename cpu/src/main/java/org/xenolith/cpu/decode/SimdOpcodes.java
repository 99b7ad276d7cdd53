package org.xenolith.cpu.decode;

import java.util.List;

/**
 * Opcode rows of MMX, of SSE to SSE4.2, and of AES, PCLMULQDQ and SHA, in the notation of {@link
 * OpcodeTable}, by extension. What each row computes is bound to it in {@link
 * org.xenolith.cpu.semantics.simd.SimdTable}.
 */
public final class SimdOpcodes {
    private static final String SSE2 =
            """
            # SSE and SSE2: moves
            NP 0F 10 /r              movups       VX, WX
            66 0F 10 /r              movupd       VX, WX
            F3 0F 10 /r              movss        VSS, WSS
            F2 0F 10 /r              movsd        VSD, WSD
            NP 0F 11 /r              movups       WX, VX
            66 0F 11 /r              movupd       WX, VX
            F3 0F 11 /r              movss        WSS, VSS
            F2 0F 11 /r              movsd        WSD, VSD
            NP 0F 12 /r              movlps       VQ, MQ
            NP 0F 12 /r              movhlps      VX, UX
            66 0F 12 /r              movlpd       VQ, MQ
            NP 0F 13 /r              movlps       MQ, VQ
            66 0F 13 /r              movlpd       MQ, VQ
            NP 0F 14 /r              unpcklps     VX, WX
            66 0F 14 /r              unpcklpd     VX, WX
            NP 0F 15 /r              unpckhps     VX, WX
            66 0F 15 /r              unpckhpd     VX, WX
            NP 0F 16 /r              movhps       VX, MQ
            NP 0F 16 /r              movlhps      VX, UX
            66 0F 16 /r              movhpd       VX, MQ
            NP 0F 17 /r              movhps       MQ, VX
            66 0F 17 /r              movhpd       MQ, VX
            NP 0F 28 /r              movaps       VX, WX
            66 0F 28 /r              movapd       VX, WX
            NP 0F 29 /r              movaps       WX, VX
            66 0F 29 /r              movapd       WX, VX
            NP 0F 2B /r              movntps      MX, VX
            66 0F 2B /r              movntpd      MX, VX
            NP 0F 50 /r              movmskps     GD, UX
            66 0F 50 /r              movmskpd     GD, UX

            # conversions and comparisons
            NP 0F 2A /r              cvtpi2ps     VX, QQ
            66 0F 2A /r              cvtpi2pd     VX, QQ
            F3 0F 2A /r              cvtsi2ss     VSS, EY
            F2 0F 2A /r              cvtsi2sd     VSD, EY
            NP 0F 2C /r              cvttps2pi    PQ, WQ
            66 0F 2C /r              cvttpd2pi    PQ, WX
            F3 0F 2C /r              cvttss2si    GY, WSS
            F2 0F 2C /r              cvttsd2si    GY, WSD
            NP 0F 2D /r              cvtps2pi     PQ, WQ
            66 0F 2D /r              cvtpd2pi     PQ, WX
            F3 0F 2D /r              cvtss2si     GY, WSS
            F2 0F 2D /r              cvtsd2si     GY, WSD
            NP 0F 2E /r              ucomiss      VSS, WSS
            66 0F 2E /r              ucomisd      VSD, WSD
            NP 0F 2F /r              comiss       VSS, WSS
            66 0F 2F /r              comisd       VSD, WSD
            NP 0F 5A /r              cvtps2pd     VX, WQ
            66 0F 5A /r              cvtpd2ps     VX, WX
            F3 0F 5A /r              cvtss2sd     VSD, WSS
            F2 0F 5A /r              cvtsd2ss     VSS, WSD
            NP 0F 5B /r              cvtdq2ps     VX, WX
            66 0F 5B /r              cvtps2dq     VX, WX
            F3 0F 5B /r              cvttps2dq    VX, WX
            66 0F E6 /r              cvttpd2dq    VX, WX
            F3 0F E6 /r              cvtdq2pd     VX, WQ
            F2 0F E6 /r              cvtpd2dq     VX, WX

            # floating point arithmetic
            NP 0F 51 /r              sqrtps       VX, WX
            66 0F 51 /r              sqrtpd       VX, WX
            F3 0F 51 /r              sqrtss       VSS, WSS
            F2 0F 51 /r              sqrtsd       VSD, WSD
            NP 0F 52 /r              rsqrtps      VX, WX
            F3 0F 52 /r              rsqrtss      VSS, WSS
            NP 0F 53 /r              rcpps        VX, WX
            F3 0F 53 /r              rcpss        VSS, WSS
            NP 0F 54 /r              andps        VX, WX
            66 0F 54 /r              andpd        VX, WX
            NP 0F 55 /r              andnps       VX, WX
            66 0F 55 /r              andnpd       VX, WX
            NP 0F 56 /r              orps         VX, WX
            66 0F 56 /r              orpd         VX, WX
            NP 0F 57 /r              xorps        VX, WX
            66 0F 57 /r              xorpd        VX, WX
            NP 0F 58 /r              addps        VX, WX
            66 0F 58 /r              addpd        VX, WX
            F3 0F 58 /r              addss        VSS, WSS
            F2 0F 58 /r              addsd        VSD, WSD
            NP 0F 59 /r              mulps        VX, WX
            66 0F 59 /r              mulpd        VX, WX
            F3 0F 59 /r              mulss        VSS, WSS
            F2 0F 59 /r              mulsd        VSD, WSD
            NP 0F 5C /r              subps        VX, WX
            66 0F 5C /r              subpd        VX, WX
            F3 0F 5C /r              subss        VSS, WSS
            F2 0F 5C /r              subsd        VSD, WSD
            NP 0F 5D /r              minps        VX, WX
            66 0F 5D /r              minpd        VX, WX
            F3 0F 5D /r              minss        VSS, WSS
            F2 0F 5D /r              minsd        VSD, WSD
            NP 0F 5E /r              divps        VX, WX
            66 0F 5E /r              divpd        VX, WX
            F3 0F 5E /r              divss        VSS, WSS
            F2 0F 5E /r              divsd        VSD, WSD
            NP 0F 5F /r              maxps        VX, WX
            66 0F 5F /r              maxpd        VX, WX
            F3 0F 5F /r              maxss        VSS, WSS
            F2 0F 5F /r              maxsd        VSD, WSD
            NP 0F C2 /r ib           cmpps        VX, WX, IB
            66 0F C2 /r ib           cmppd        VX, WX, IB
            F3 0F C2 /r ib           cmpss        VSS, WSS, IB
            F2 0F C2 /r ib           cmpsd        VSD, WSD, IB
            NP 0F C6 /r ib           shufps       VX, WX, IB
            66 0F C6 /r ib           shufpd       VX, WX, IB

            # integer vectors: MMX and SSE2
            NP 0F 60 /r              punpcklbw    PQ, QD
            66 0F 60 /r              punpcklbw    VX, WX
            NP 0F 61 /r              punpcklwd    PQ, QD
            66 0F 61 /r              punpcklwd    VX, WX
            NP 0F 62 /r              punpckldq    PQ, QD
            66 0F 62 /r              punpckldq    VX, WX
            NP 0F 63 /r              packsswb     PQ, QQ
            66 0F 63 /r              packsswb     VX, WX
            NP 0F 64 /r              pcmpgtb      PQ, QQ
            66 0F 64 /r              pcmpgtb      VX, WX
            NP 0F 65 /r              pcmpgtw      PQ, QQ
            66 0F 65 /r              pcmpgtw      VX, WX
            NP 0F 66 /r              pcmpgtd      PQ, QQ
            66 0F 66 /r              pcmpgtd      VX, WX
            NP 0F 67 /r              packuswb     PQ, QQ
            66 0F 67 /r              packuswb     VX, WX
            NP 0F 68 /r              punpckhbw    PQ, QQ
            66 0F 68 /r              punpckhbw    VX, WX
            NP 0F 69 /r              punpckhwd    PQ, QQ
            66 0F 69 /r              punpckhwd    VX, WX
            NP 0F 6A /r              punpckhdq    PQ, QQ
            66 0F 6A /r              punpckhdq    VX, WX
            NP 0F 6B /r              packssdw     PQ, QQ
            66 0F 6B /r              packssdw     VX, WX
            66 0F 6C /r              punpcklqdq   VX, WX
            66 0F 6D /r              punpckhqdq   VX, WX
            NP 0F 6E /r              movd         PQ, EY
            NP REX.W 0F 6E /r        movq         PQ, EY
            66 0F 6E /r              movd         VX, EY
            66 REX.W 0F 6E /r        movq         VX, EY
            NP 0F 7E /r              movd         EY, PQ
            NP REX.W 0F 7E /r        movq         EY, PQ
            66 0F 7E /r              movd         EY, VX
            66 REX.W 0F 7E /r        movq         EY, VX
            F3 0F 7E /r              movq         VQ, WQ
            66 0F D6 /r              movq         WQ, VQ
            NP 0F 6F /r              movq         PQ, QQ
            66 0F 6F /r              movdqa       VX, WX
            F3 0F 6F /r              movdqu       VX, WX
            NP 0F 7F /r              movq         QQ, PQ
            66 0F 7F /r              movdqa       WX, VX
            F3 0F 7F /r              movdqu       WX, VX
            NP 0F 70 /r ib           pshufw       PQ, QQ, IB
            66 0F 70 /r ib           pshufd       VX, WX, IB
            F3 0F 70 /r ib           pshufhw      VX, WX, IB
            F2 0F 70 /r ib           pshuflw      VX, WX, IB
            NP 0F 71 /2 ib           psrlw        NQ, IB
            66 0F 71 /2 ib           psrlw        UX, IB
            NP 0F 71 /4 ib           psraw        NQ, IB
            66 0F 71 /4 ib           psraw        UX, IB
            NP 0F 71 /6 ib           psllw        NQ, IB
            66 0F 71 /6 ib           psllw        UX, IB
            NP 0F 72 /2 ib           psrld        NQ, IB
            66 0F 72 /2 ib           psrld        UX, IB
            NP 0F 72 /4 ib           psrad        NQ, IB
            66 0F 72 /4 ib           psrad        UX, IB
            NP 0F 72 /6 ib           pslld        NQ, IB
            66 0F 72 /6 ib           pslld        UX, IB
            NP 0F 73 /2 ib           psrlq        NQ, IB
            66 0F 73 /2 ib           psrlq        UX, IB
            NP 0F 73 /6 ib           psllq        NQ, IB
            66 0F 73 /6 ib           psllq        UX, IB
            66 0F 73 /3 ib           psrldq       UX, IB
            66 0F 73 /7 ib           pslldq       UX, IB
            NP 0F 74 /r              pcmpeqb      PQ, QQ
            66 0F 74 /r              pcmpeqb      VX, WX
            NP 0F 75 /r              pcmpeqw      PQ, QQ
            66 0F 75 /r              pcmpeqw      VX, WX
            NP 0F 76 /r              pcmpeqd      PQ, QQ
            66 0F 76 /r              pcmpeqd      VX, WX
            NP 0F 77                 emms         -
            NP 0F C4 /r ib           pinsrw       PQ, RD, IB
            NP 0F C4 /r ib           pinsrw       PQ, MW, IB
            66 0F C4 /r ib           pinsrw       VX, RD, IB
            66 0F C4 /r ib           pinsrw       VX, MW, IB
            NP 0F C5 /r ib           pextrw       GD, NQ, IB
            66 0F C5 /r ib           pextrw       GD, UX, IB
            NP 0F D1 /r              psrlw        PQ, QQ
            66 0F D1 /r              psrlw        VX, WX
            NP 0F D2 /r              psrld        PQ, QQ
            66 0F D2 /r              psrld        VX, WX
            NP 0F D3 /r              psrlq        PQ, QQ
            66 0F D3 /r              psrlq        VX, WX
            NP 0F D4 /r              paddq        PQ, QQ
            66 0F D4 /r              paddq        VX, WX
            NP 0F D5 /r              pmullw       PQ, QQ
            66 0F D5 /r              pmullw       VX, WX
            NP 0F D8 /r              psubusb      PQ, QQ
            66 0F D8 /r              psubusb      VX, WX
            NP 0F D9 /r              psubusw      PQ, QQ
            66 0F D9 /r              psubusw      VX, WX
            NP 0F DA /r              pminub       PQ, QQ
            66 0F DA /r              pminub       VX, WX
            NP 0F DB /r              pand         PQ, QQ
            66 0F DB /r              pand         VX, WX
            NP 0F DC /r              paddusb      PQ, QQ
            66 0F DC /r              paddusb      VX, WX
            NP 0F DD /r              paddusw      PQ, QQ
            66 0F DD /r              paddusw      VX, WX
            NP 0F DE /r              pmaxub       PQ, QQ
            66 0F DE /r              pmaxub       VX, WX
            NP 0F DF /r              pandn        PQ, QQ
            66 0F DF /r              pandn        VX, WX
            NP 0F E0 /r              pavgb        PQ, QQ
            66 0F E0 /r              pavgb        VX, WX
            NP 0F E1 /r              psraw        PQ, QQ
            66 0F E1 /r              psraw        VX, WX
            NP 0F E2 /r              psrad        PQ, QQ
            66 0F E2 /r              psrad        VX, WX
            NP 0F E3 /r              pavgw        PQ, QQ
            66 0F E3 /r              pavgw        VX, WX
            NP 0F E4 /r              pmulhuw      PQ, QQ
            66 0F E4 /r              pmulhuw      VX, WX
            NP 0F E5 /r              pmulhw       PQ, QQ
            66 0F E5 /r              pmulhw       VX, WX
            NP 0F E8 /r              psubsb       PQ, QQ
            66 0F E8 /r              psubsb       VX, WX
            NP 0F E9 /r              psubsw       PQ, QQ
            66 0F E9 /r              psubsw       VX, WX
            NP 0F EA /r              pminsw       PQ, QQ
            66 0F EA /r              pminsw       VX, WX
            NP 0F EB /r              por          PQ, QQ
            66 0F EB /r              por          VX, WX
            NP 0F EC /r              paddsb       PQ, QQ
            66 0F EC /r              paddsb       VX, WX
            NP 0F ED /r              paddsw       PQ, QQ
            66 0F ED /r              paddsw       VX, WX
            NP 0F EE /r              pmaxsw       PQ, QQ
            66 0F EE /r              pmaxsw       VX, WX
            NP 0F EF /r              pxor         PQ, QQ
            66 0F EF /r              pxor         VX, WX
            NP 0F F1 /r              psllw        PQ, QQ
            66 0F F1 /r              psllw        VX, WX
            NP 0F F2 /r              pslld        PQ, QQ
            66 0F F2 /r              pslld        VX, WX
            NP 0F F3 /r              psllq        PQ, QQ
            66 0F F3 /r              psllq        VX, WX
            NP 0F F4 /r              pmuludq      PQ, QQ
            66 0F F4 /r              pmuludq      VX, WX
            NP 0F F5 /r              pmaddwd      PQ, QQ
            66 0F F5 /r              pmaddwd      VX, WX
            NP 0F F6 /r              psadbw       PQ, QQ
            66 0F F6 /r              psadbw       VX, WX
            NP 0F F8 /r              psubb        PQ, QQ
            66 0F F8 /r              psubb        VX, WX
            NP 0F F9 /r              psubw        PQ, QQ
            66 0F F9 /r              psubw        VX, WX
            NP 0F FA /r              psubd        PQ, QQ
            66 0F FA /r              psubd        VX, WX
            NP 0F FB /r              psubq        PQ, QQ
            66 0F FB /r              psubq        VX, WX
            NP 0F FC /r              paddb        PQ, QQ
            66 0F FC /r              paddb        VX, WX
            NP 0F FD /r              paddw        PQ, QQ
            66 0F FD /r              paddw        VX, WX
            NP 0F FE /r              paddd        PQ, QQ
            66 0F FE /r              paddd        VX, WX
            F3 0F D6 /r              movq2dq      VX, NQ
            F2 0F D6 /r              movdq2q      PQ, UX
            NP 0F D7 /r              pmovmskb     GD, NQ
            66 0F D7 /r              pmovmskb     GD, UX
            NP 0F E7 /r              movntq       MQ, PQ
            66 0F E7 /r              movntdq      MX, VX
            NP 0F F7 /r              maskmovq     PQ, NQ
            66 0F F7 /r              maskmovdqu   VX, UX
            """;

    private static final String SSE3 =
            """
            F2 0F 12 /r              movddup      VX, WQ
            F3 0F 12 /r              movsldup     VX, WX
            F3 0F 16 /r              movshdup     VX, WX
            66 0F 7C /r              haddpd       VX, WX
            F2 0F 7C /r              haddps       VX, WX
            66 0F 7D /r              hsubpd       VX, WX
            F2 0F 7D /r              hsubps       VX, WX
            66 0F D0 /r              addsubpd     VX, WX
            F2 0F D0 /r              addsubps     VX, WX
            F2 0F F0 /r              lddqu        VX, MX
            """;

    private static final String SSSE3 =
            """
            NP 0F 38 00 /r           pshufb       PQ, QQ
            66 0F 38 00 /r           pshufb       VX, WX
            NP 0F 38 01 /r           phaddw       PQ, QQ
            66 0F 38 01 /r           phaddw       VX, WX
            NP 0F 38 02 /r           phaddd       PQ, QQ
            66 0F 38 02 /r           phaddd       VX, WX
            NP 0F 38 03 /r           phaddsw      PQ, QQ
            66 0F 38 03 /r           phaddsw      VX, WX
            NP 0F 38 04 /r           pmaddubsw    PQ, QQ
            66 0F 38 04 /r           pmaddubsw    VX, WX
            NP 0F 38 05 /r           phsubw       PQ, QQ
            66 0F 38 05 /r           phsubw       VX, WX
            NP 0F 38 06 /r           phsubd       PQ, QQ
            66 0F 38 06 /r           phsubd       VX, WX
            NP 0F 38 07 /r           phsubsw      PQ, QQ
            66 0F 38 07 /r           phsubsw      VX, WX
            NP 0F 38 08 /r           psignb       PQ, QQ
            66 0F 38 08 /r           psignb       VX, WX
            NP 0F 38 09 /r           psignw       PQ, QQ
            66 0F 38 09 /r           psignw       VX, WX
            NP 0F 38 0A /r           psignd       PQ, QQ
            66 0F 38 0A /r           psignd       VX, WX
            NP 0F 38 0B /r           pmulhrsw     PQ, QQ
            66 0F 38 0B /r           pmulhrsw     VX, WX
            NP 0F 38 1C /r           pabsb        PQ, QQ
            66 0F 38 1C /r           pabsb        VX, WX
            NP 0F 38 1D /r           pabsw        PQ, QQ
            66 0F 38 1D /r           pabsw        VX, WX
            NP 0F 38 1E /r           pabsd        PQ, QQ
            66 0F 38 1E /r           pabsd        VX, WX
            NP 0F 3A 0F /r ib        palignr      PQ, QQ, IB
            66 0F 3A 0F /r ib        palignr      VX, WX, IB
            """;

    private static final String SSE4_1 =
            """
            66 0F 38 10 /r           pblendvb     VX, WX, XMM0
            66 0F 38 14 /r           blendvps     VX, WX, XMM0
            66 0F 38 15 /r           blendvpd     VX, WX, XMM0
            66 0F 38 17 /r           ptest        VX, WX
            66 0F 38 20 /r           pmovsxbw     VX, WQ
            66 0F 38 21 /r           pmovsxbd     VX, WD
            66 0F 38 22 /r           pmovsxbq     VX, WW
            66 0F 38 23 /r           pmovsxwd     VX, WQ
            66 0F 38 24 /r           pmovsxwq     VX, WD
            66 0F 38 25 /r           pmovsxdq     VX, WQ
            66 0F 38 28 /r           pmuldq       VX, WX
            66 0F 38 29 /r           pcmpeqq      VX, WX
            66 0F 38 2A /r           movntdqa     VX, MX
            66 0F 38 2B /r           packusdw     VX, WX
            66 0F 38 30 /r           pmovzxbw     VX, WQ
            66 0F 38 31 /r           pmovzxbd     VX, WD
            66 0F 38 32 /r           pmovzxbq     VX, WW
            66 0F 38 33 /r           pmovzxwd     VX, WQ
            66 0F 38 34 /r           pmovzxwq     VX, WD
            66 0F 38 35 /r           pmovzxdq     VX, WQ
            66 0F 38 38 /r           pminsb       VX, WX
            66 0F 38 39 /r           pminsd       VX, WX
            66 0F 38 3A /r           pminuw       VX, WX
            66 0F 38 3B /r           pminud       VX, WX
            66 0F 38 3C /r           pmaxsb       VX, WX
            66 0F 38 3D /r           pmaxsd       VX, WX
            66 0F 38 3E /r           pmaxuw       VX, WX
            66 0F 38 3F /r           pmaxud       VX, WX
            66 0F 38 40 /r           pmulld       VX, WX
            66 0F 38 41 /r           phminposuw   VX, WX
            66 0F 3A 08 /r ib        roundps      VX, WX, IB
            66 0F 3A 09 /r ib        roundpd      VX, WX, IB
            66 0F 3A 0A /r ib        roundss      VSS, WSS, IB
            66 0F 3A 0B /r ib        roundsd      VSD, WSD, IB
            66 0F 3A 0C /r ib        blendps      VX, WX, IB
            66 0F 3A 0D /r ib        blendpd      VX, WX, IB
            66 0F 3A 0E /r ib        pblendw      VX, WX, IB
            66 0F 3A 14 /r ib        pextrb       RD, VX, IB
            66 0F 3A 14 /r ib        pextrb       MB, VX, IB
            66 0F 3A 15 /r ib        pextrw       RD, VX, IB
            66 0F 3A 15 /r ib        pextrw       MW, VX, IB
            66 0F 3A 16 /r ib        pextrd       EY, VX, IB
            66 REX.W 0F 3A 16 /r ib  pextrq       EY, VX, IB
            66 0F 3A 17 /r ib        extractps    ED, VX, IB
            66 0F 3A 20 /r ib        pinsrb       VX, RD, IB
            66 0F 3A 20 /r ib        pinsrb       VX, MB, IB
            66 0F 3A 21 /r ib        insertps     VX, UX, IB
            66 0F 3A 21 /r ib        insertps     VX, MD, IB
            66 0F 3A 22 /r ib        pinsrd       VX, EY, IB
            66 REX.W 0F 3A 22 /r ib  pinsrq       VX, EY, IB
            66 0F 3A 40 /r ib        dpps         VX, WX, IB
            66 0F 3A 41 /r ib        dppd         VX, WX, IB
            66 0F 3A 42 /r ib        mpsadbw      VX, WX, IB
            """;

    private static final String SSE4_2 =
            """
            66 0F 38 37 /r           pcmpgtq      VX, WX
            66 0F 3A 60 /r ib        pcmpestrm    VX, WX, IB
            66 0F 3A 61 /r ib        pcmpestri    VX, WX, IB
            66 0F 3A 62 /r ib        pcmpistrm    VX, WX, IB
            66 0F 3A 63 /r ib        pcmpistri    VX, WX, IB
            """;

    private static final String AES =
            """
            66 0F 38 DB /r           aesimc       VX, WX
            66 0F 38 DC /r           aesenc       VX, WX
            66 0F 38 DD /r           aesenclast   VX, WX
            66 0F 38 DE /r           aesdec       VX, WX
            66 0F 38 DF /r           aesdeclast   VX, WX
            66 0F 3A DF /r ib        aeskeygenassist  VX, WX, IB
            """;

    private static final String PCLMULQDQ =
            """
            66 0F 3A 44 /r ib        pclmulqdq    VX, WX, IB
            """;

    private static final String SHA =
            """
            NP 0F 38 C8 /r           sha1nexte    VX, WX
            NP 0F 38 C9 /r           sha1msg1     VX, WX
            NP 0F 38 CA /r           sha1msg2     VX, WX
            NP 0F 38 CB /r           sha256rnds2  VX, WX, XMM0
            NP 0F 38 CC /r           sha256msg1   VX, WX
            NP 0F 38 CD /r           sha256msg2   VX, WX
            NP 0F 3A CC /r ib        sha1rnds4    VX, WX, IB
            """;

    /**
     * The rows of one processor feature.
     *
     * @param feature its name in Linux's /proc/cpuinfo
     * @param rows one a line, as in {@link OpcodeTable}
     */
    public record Extension(String feature, String rows) {}

    /** All of them; {@code sse2} holds MMX and SSE too, which no x86-64 processor lacks. */
    public static final List<Extension> EXTENSIONS =
            List.of(
                    new Extension("sse2", SSE2),
                    new Extension("pni", SSE3),
                    new Extension("ssse3", SSSE3),
                    new Extension("sse4_1", SSE4_1),
                    new Extension("sse4_2", SSE4_2),
                    new Extension("aes", AES),
                    new Extension("pclmulqdq", PCLMULQDQ),
                    new Extension("sha_ni", SHA));

    private SimdOpcodes() {}
}
